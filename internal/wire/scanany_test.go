// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// TestScanAnyStream: whatever frames there are, well formed or not, and however they arrive, the
// same is found.
func TestScanAnyStream(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		s := Scanner{MaxSize: -1, MaxParts: 1 + rnd.IntN(4), Large: 256 + rnd.IntN(100)}
		if rnd.IntN(2) == 0 {
			s.MaxSize = int64(rnd.IntN(700))
		}
		stream := randomStream(rnd, 40)
		want := judgeAll(s, stream)
		for name, cut := range splits(seed) {
			if got := scanAll(s, stream, cut); !got.equal(want) {
				t.Fatalf("seed %d, %+v, %s:\n got %v\nwant %v", seed, s, name, got, want)
			}
		}
	}
}

// randomStream has mostly good frames of all kinds.
func randomStream(rnd *rand.Rand, frames int) (b []byte) {
	for range frames {
		n := rnd.IntN(12)
		switch rnd.IntN(10) {
		case 0:
			n = 250 + rnd.IntN(120)
		case 1:
			n = 0
		}
		switch rnd.IntN(12) {
		case 0, 1, 2:
			b = append(b, frameOf(FlagMore, n)...)
		case 3, 4:
			b = append(b, frameOf(FlagCommand, n)...)
		case 5:
			b = append(b, longZero...)
		default:
			b = append(b, frameOf(0, n)...)
		}
	}
	if rnd.IntN(4) == 0 {
		b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
	}
	return b[:len(b)-rnd.IntN(4)]
}

// splits are ways in which bytes arrive.
func splits(seed uint64) map[string]func(left int) int {
	rnd := rand.New(rand.NewPCG(seed, 2))
	return map[string]func(int) int{
		"whole":     func(left int) int { return left },
		"by a byte": func(int) int { return 1 },
		"at random": func(left int) int { return 1 + rnd.IntN(min(left, 400)) },
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte{0, 1, 7}, int64(-1), uint8(2), uint64(0))
	f.Add(join(frameOf(FlagMore, 3), frameOf(FlagCommand, 5), frameOf(0, 300)), int64(400), uint8(2), uint64(1))
	f.Add(join(frameOf(FlagMore, 0), frameOf(FlagMore, 0), []byte{0, 0}), int64(0), uint8(2), uint64(2))
	f.Add(fromHex(f, "02 7f ff ff ff ff ff ff ff 00"), int64(math.MaxInt64), uint8(3), uint64(3))
	f.Add(randomStream(rand.New(rand.NewPCG(4, 4)), 20), int64(512), uint8(4), uint64(4))
	f.Fuzz(func(t *testing.T, stream []byte, maxSize int64, maxParts uint8, seed uint64) {
		s := Scanner{MaxSize: max(maxSize, -1), MaxParts: max(1, int(maxParts)), Large: 256}
		want := judgeAll(s, stream)
		for name, cut := range splits(seed) {
			if got := scanAll(s, stream, cut); !got.equal(want) {
				t.Fatalf("%s:\n got %v\nwant %v", name, got, want)
			}
		}
		var e *Error
		if _, err := s.Scan(stream); err != nil && !errors.As(err, &e) {
			t.Fatalf("%v is not an *Error", err)
		}
	})
}
