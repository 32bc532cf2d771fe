#!/bin/sh
# Makes the pictures of the README anew, from the real program in a real
# terminal (tmux) on its simulated devices.
cd "$(dirname "$0")/.." && exec go test ./ui/uitest -count=1 -run '^TestPictures' -args -pictures
