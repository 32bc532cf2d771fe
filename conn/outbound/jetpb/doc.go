// Package jetpb is the generated code of jet.proto.
package jetpb

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative jet.proto
