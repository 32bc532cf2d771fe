package uitest

// The steps that several stories take, each with what shows that it was taken.

// exits waits for the end of the program and compares its exit code.
func (m *Tmux) exits(want int) {
	m.t.Helper()
	if code := m.Exit(); code != want {
		m.t.Errorf("exit code %d, want %d", code, want)
	}
}

// quitAnyway leaves by the dialog that asks about what is open; it must show
// the texts.
func (m *Tmux) quitAnyway(texts ...string) {
	m.t.Helper()
	m.See(append(texts, "uit")...)
	m.Keys("Q")
	m.exits(0)
}

// readRunning sends get-config from the templates; it is the first request.
func (m *Tmux) readRunning() {
	m.t.Helper()
	m.Keys("t")
	m.See("type to filter")
	m.Type("get-config running")
	m.See("get-config (running)")
	m.Keys("Enter")
	m.See("<get-config>", "no effect on device")
	m.Keys("C-r")
	m.See("Reply 1", "  ok ━")
}

// write types an edit-config of the candidate with config into the editor and
// leaves it.
func (m *Tmux) write(config string) {
	m.t.Helper()
	m.Keys("i")
	m.Until("EDIT in the first row", editing)
	m.Type("<edit-config><target><candidate/></target><config>" + config + "</config></edit-config>")
	m.See("sends edit-config")
	m.Keys("Escape")
	m.Until("no EDIT in the first row", func(s string) bool { return !editing(s) })
}

// commitConfirmed commits the candidate of lab-1 until the device rolls back.
func (m *Tmux) commitConfirmed() {
	m.t.Helper()
	m.Keys("C")
	m.See("Commit candidate on lab-1")
	m.Keys("C")
	m.See("rolls back in 09:")
}
