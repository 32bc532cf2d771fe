package outbound

import (
	"errors"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec beneath
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// piece is a received message of a session: of SessionOutput or RPCRequest only
// the text is wanted. Decoding appends to text, so a reply of sixty thousand
// messages needs no memory for each of them.
type piece struct {
	text  []byte
	field protowire.Number // that holds the text
}

// codec is that of gRPC, but for pieces.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

// Unmarshal decodes a message.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	p, ok := v.(*piece)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	if len(data) == 1 {
		return p.decode(data[0].ReadOnlyData())
	}
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	return p.decode(whole.ReadOnlyData())
}

// decode appends the text of a message; of several the last counts, and fields
// that are not known are passed over, as the wire format wants it.
func (p *piece) decode(b []byte) error {
	start := len(p.text)
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if num > protowire.MaxValidNumber {
			return errors.New("a field number out of range")
		}
		b = b[n:]
		if num == p.field && typ == protowire.BytesType {
			text, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return protowire.ParseError(n)
			}
			p.text = append(p.text[:start], text...)
			b = b[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
	}
	return nil
}
