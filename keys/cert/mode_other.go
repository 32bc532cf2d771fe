//go:build !unix

package cert

import "io/fs"

func keyMode(string, fs.FileInfo) error { return nil }
