package keys

import "io/fs"

// private accepts every file: access lists are not looked at on this system.
func private(string, fs.FileInfo) error { return nil }
