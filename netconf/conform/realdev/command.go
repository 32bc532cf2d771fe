package realdev

// Subsystem is the command line that speaks to the server on its standard input
// and output, without SSH, for programs that bring the bytes in another way.
func (s *Server) Subsystem() []string {
	return []string{"/usr/bin/env", "SSH_CONNECTION=127.0.0.1 1 127.0.0.1 " + s.port, "USER=" + s.User,
		subsystem, "--ncxserver-sockname=" + s.port + "@" + s.socket}
}
