package cli

import (
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
)

// dirs are the directories of a run; "" means that there is none and nothing is
// saved.
type dirs struct {
	config, state, cache string
	home                 string
}

// findDirs takes flags before DIALTONE_CONFIG and DIALTONE_STATE, and those
// before the XDG directories.
func findDirs(getenv func(string) string, config, state string) dirs {
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		home = ""
	}
	pick := func(flag, env, xdgEnv, base string) string {
		switch {
		case flag != "":
			return absolute(flag)
		case env != "" && getenv(env) != "":
			return absolute(getenv(env))
		case home == "" && getenv(xdgEnv) == "":
			return ""
		}
		return filepath.Join(base, "dialtone")
	}
	return dirs{
		config: pick(config, "DIALTONE_CONFIG", "XDG_CONFIG_HOME", xdg.ConfigHome),
		state:  pick(state, "DIALTONE_STATE", "XDG_STATE_HOME", xdg.StateHome),
		cache:  pick("", "DIALTONE_CACHE", "XDG_CACHE_HOME", xdg.CacheHome),
		home:   home,
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// in joins a name to a directory; "" when there is none.
func in(dir string, names ...string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(append([]string{dir}, names...)...)
}
