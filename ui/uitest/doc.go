// Package uitest drives the interface in tests: golden files, a synchronous
// driver for panes, and a real terminal with the real program in it.
package uitest
