//go:build !race

package ui

// raceDetector reports whether the test is built with it.
const raceDetector = false
