// Package basicpb is the generated code of basic.proto.
package basicpb

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative basic.proto
