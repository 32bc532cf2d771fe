package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"dialtone/conn/commit"
	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/safe"
)

// diffFlags are those of diff alone.
type diffFlags struct {
	targetFlags
	from, to string
	spaces   bool
}

func (a *app) diffCommand() *cobra.Command {
	var f diffFlags
	c := a.changeCommand(&cobra.Command{
		Use:   "diff TARGET",
		Short: "Show what a commit would change",
		Long: `Reads two configurations of a device and prints where they differ: the path of
each difference, then what goes (-) and what comes (+). Entries are matched by
their keys, whatever their order.

Exit codes: 0 compared, with or without a difference. 1 the device refused a read.
2 wrong usage. 3 no connection, trust or login.`,
		Example: `  dialtone diff core-r1
  dialtone diff core-r1 --from rollback:1 --to running`,
		Args: cobra.MaximumNArgs(1),
	}, &f.targetFlags, func(c *cobra.Command, args []string) error { return a.diff(c, &f, args) })
	c.Flags().StringVar(&f.from, "from", "running", "running, candidate, startup or rollback:N")
	c.Flags().StringVar(&f.to, "to", "candidate", "running, candidate, startup or rollback:N")
	c.Flags().BoolVar(&f.spaces, "spaces", false, "white space at the ends of values counts")
	return c
}

func (a *app) diff(c *cobra.Command, f *diffFlags, args []string) error {
	from, ok := source(f.from)
	to, ok2 := source(f.to)
	if !ok || !ok2 {
		return usagef(c, "--from and --to must be running, candidate, startup or rollback:N")
	}
	return a.changing(c, &f.targetFlags, args, false, func(ch *change) error {
		cmp, err := ch.control.Compare(ch.ctx, ch.d.ID, from, to, xmldiff.Options{Spaces: f.spaces})
		if err != nil {
			if ch.ctx.Err() != nil {
				return ch.ctx.Err()
			}
			return with(ExitRPCError, err)
		}
		a.note("%s.", capital(cmp.Words()))
		return ch.a.printDiff(cmp)
	})
}

// printDiff writes the differences, made safe on a terminal.
func (a *app) printDiff(cmp *commit.Comparison) error {
	w := bufio.NewWriterSize(a.env.Stdout, 64<<10)
	text := func(s string) string { return s }
	if isTerminal(a.env.Stdout) {
		text = safe.Line
	}
	for _, s := range cmp.Result.Segments {
		if s.Kind == xmldiff.Equal {
			continue
		}
		ch := cmp.Result.Changes[s.Change]
		fmt.Fprintf(w, "  %s\n", text(ch.Path))
		rows(w, "-", cmp.A, s.A, text)
		rows(w, "+", cmp.B, s.B, text)
	}
	for _, m := range cmp.Result.Moves {
		fmt.Fprintf(w, "> %s\n", text(m.Path))
	}
	if err := w.Flush(); err != nil {
		return with(ExitUnknown, fault("OUT-WRITE", "the difference could not be written: "+err.Error(), "Nothing was changed", ""))
	}
	return nil
}

// rows writes some rows of a document, each behind a sign.
func rows(w io.Writer, sign string, d *xmldoc.Doc, r xmldiff.Range, text func(string) string) {
	var buf []byte
	for i := r.From; i < r.To; i++ {
		row := d.Row(i)
		buf = d.AppendRow(buf[:0], i, min(row.Len, maxRow))
		fmt.Fprintf(w, "%s %s%s\n", sign, strings.Repeat("  ", row.Depth), text(string(buf)))
	}
}
