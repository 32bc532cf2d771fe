package session

import (
	"os/exec"
	"strings"
	"testing"
)

func TestEditorThatFailsIsNamed(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "exit 3")
	err := editorFailed(cmd, cmd.Run())
	for _, want := range []string{`"sh"`, "exit status 3", "The RPC is as it was"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
