//go:build !linux

package term

import "os"

func isRaw(*os.File) bool { return false }
