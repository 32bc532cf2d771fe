package xmldoc

// Lend calls f with the whole text as it is now, without a copy. f must not
// change the text, nor keep it after it returns. The text is empty after Close;
// one that is closed meanwhile stays until f returns.
func (d *Doc) Lend(f func(text []byte)) {
	v := d.enter()
	defer d.leave()
	f(v.text)
}
