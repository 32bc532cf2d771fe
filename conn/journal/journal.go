// Package journal keeps what was asked and answered.
package journal

// Journal is the record of one run and of the runs before.
type Journal struct{}
