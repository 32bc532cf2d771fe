package action

import "strings"

// Markdown is the table of as for a document: keys, what they do, the name for
// config.toml.
func Markdown(as []Action) string {
	var b strings.Builder
	b.WriteString("| Keys | Does | Name |\n|---|---|---|\n")
	for _, a := range as {
		keys := make([]string, 0, len(a.Keys))
		for _, k := range a.Keys {
			keys = append(keys, "`"+strings.ReplaceAll(KeyName(k, true), "|", `\|`)+"`")
		}
		title := a.Title
		if a.Alters {
			title += " (changes the device)"
		}
		b.WriteString("| " + strings.Join(keys, " ") + " | " + title + " | `" + string(a.ID) + "` |\n")
	}
	return b.String()
}
