package ui

import (
	"reflect"

	tea "github.com/charmbracelet/bubbletea"
)

// eachCmd applies f to the commands inside a batch or a sequence and returns
// other messages as they are. The type of a sequence is private to the
// framework, hence the look at its shape.
func eachCmd(m tea.Msg, f func(tea.Cmd) tea.Cmd) tea.Msg {
	v := reflect.ValueOf(m)
	if !v.IsValid() || v.Kind() != reflect.Slice || v.Type().Elem() != reflect.TypeOf(tea.Cmd(nil)) {
		return m
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		cmd, _ := v.Index(i).Interface().(tea.Cmd)
		out.Index(i).Set(reflect.ValueOf(f(cmd)))
	}
	return out.Interface()
}
