package desk

// Kinds returns the kinds of listeners that Listen can start.
func (f *Front) Kinds() []string { return []string{SSH, HTTPS} }
