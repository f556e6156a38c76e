# What the stranger does: the commands of the README, in its order. Sourced by room.
# shellcheck shell=bash disable=SC2154
first_word_s=1800
tests_s=5400

now() {
	local t=${EPOCHREALTIME/[.,]/}
	echo $(((t - began_us) / 1000000))
}

step() { # ok|FAILED TEXT
	say "$(now) s: $2: $1"
	echo "step $1 $2" >>"$result"
}

# A step that failed: its last lines, and where the others stand.
step_failed() { # TEXT LOG
	tail -n 25 "$2" | sed 's/^/    /'
	step FAILED "$1 (log: ${2#"$FRESH_SOURCE"/})"
}

# As a login of that person would have it: nothing of our environment but the ways to the network.
as_person() { # COMMAND
	local path=/usr/local/bin:/usr/bin:/bin
	[[ $id != 0 ]] || path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	chroot --userspec=$id:$id --groups= "$root" /usr/bin/env -i "${environment[@]}" HOME="$home" USER="$([[ $id == 0 ]] && echo root || echo stranger)" \
		PATH=$path SHELL=/bin/bash LANG=C.UTF-8 bash -c "umask 022; cd ~/stenopool && $1" </dev/null
}

# The lines of code of the section Start, without their comments.
readme() {
	sed -n '/^## Start/,/^## /{s/^    //p}' "$root$home/stenopool/README.md" | sed -E 's/ +# .*//'
}

# Sets the commands of the paper; what is tried is what stands there.
read_commands() {
	run=$(readme | grep -m 1 '^make ')
	test=$(readme | grep '^make ' | sed -n 2p)
	transcribe=$(readme | grep -m 1 ' transcribe ')
	url=$(sed -n '/^## Start/,/^## /p' "$root$home/stenopool/README.md" | grep -oE -m 1 'http://[0-9.:]+')
	[[ -n $run && $test == *test* && -n $transcribe && -n $url ]]
}

is_there() {
	(: <"/dev/tcp/127.0.0.1/${url##*:}") 2>/dev/null
}

# Until the server listens, or has ended, or it is too late.
wait_for_server() {
	until is_there; do
		kill -0 "$server" 2>/dev/null && [[ $(now) -lt $first_word_s ]] || return 1
		sleep 0.2
	done
}

serve() {
	set -m # a process group of its own, as in a terminal
	as_person "$run" >"$out/run.log" 2>&1 &
	server=$!
	set +m
	wait_for_server || { step_failed "$run" "$out/run.log"; return 1; }
	echo "server $(now)" >>"$result"
	step ok "$run"
}

# A recording as a stranger may have one, named as in the README. What is said in it stands in data/README.md.
hear() {
	cp "$root$home/stenopool/data/warmup.wav" "$root$home/stenopool/recording.wav"
	if ! as_person "$transcribe" >"$out/transcribe.log" 2>&1 || ! grep -q 'please send the first letter' "$out/transcribe.log"; then
		step_failed "$transcribe" "$out/transcribe.log"
		return
	fi
	echo "word $(now)" >>"$result"
	step ok "$transcribe"
}

# With what is there by then: ffmpeg, and Python.
ask() { # LOG TEXT COMMAND
	if as_person "$3" >"$out/$1.log" 2>&1; then
		step ok "$2"
	else
		step_failed "$2" "$out/$1.log"
	fi
}

# What a stranger would see of real recordings, where there are any.
hear_all() {
	local clip
	ls "$root$home"/recordings/*.wav >/dev/null 2>&1 || return 0
	mkdir -p "$out/heard"
	for clip in "$root$home"/recordings/*.wav; do
		clip=$(basename "$clip" .wav)
		as_person "${transcribe/recording.wav/../recordings/$clip.wav}" >"$out/heard/$clip.txt" 2>>"$out/transcribe.log"
	done
	if python3 tools/fresh.d/words.py "$root$home/recordings" "$out/heard" >"$out/words.log" 2>&1; then
		step ok "recordings: $(cat "$out/words.log")"
	else
		step_failed 'recordings' "$out/words.log"
	fi
}

# As Ctrl-C in the terminal does it.
stop_server() {
	local deadline=$((SECONDS + 60))
	kill -INT -- -"$server"
	while is_there || kill -0 "$server" 2>/dev/null; do
		[[ $SECONDS -lt $deadline ]] || { step_failed 'the server ends with Ctrl-C' "$out/run.log"; kill -KILL -- -"$server"; return; }
		sleep 0.2
	done
	step ok 'the server ends with Ctrl-C'
}

tests() {
	local end
	as_person "timeout $tests_s $test" >"$out/test.log" 2>&1
	end=$(grep -E '^[0-9]+ passed, ' "$out/test.log" | tail -n 1)
	cp "$root$home/stenopool/build/end-to-end.tap" "$out/end-to-end.log" 2>/dev/null
	echo "end $(now)" >>"$result"
	if [[ $end =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		echo "tests ${BASH_REMATCH[*]:1}" >>"$result"
		grep '^skipped: ' "$out/test.log" | sed -E 's/.*: //' | sort | uniq -c | sort -rn | sed "s/^/$release-$who: skipped/"
		if [[ ${BASH_REMATCH[2]} != 0 ]]; then # they are counted as what they are
			grep -E '^ *not ok ' "$out/test.log" | sed 's/^/    /'
			say "$(now) s: $test: $end"
			echo "failed $test: $end (log: ${out#"$FRESH_SOURCE"/}/test.log)" >>"$result"
			return
		fi
		step ok "$test"
		return
	fi
	step_failed "$test" "$out/test.log"
}

visit() {
	read_commands || { step FAILED 'the commands of the README, section Start, cannot be read'; return; }
	say "the README says: $run; $transcribe; $test"
	began_us=${EPOCHREALTIME/[.,]/}
	if serve; then
		hear
		ask mp3 'an MP3 over REST' "ffmpeg -loglevel error -y -i recording.wav recording.mp3 && python3 tools/fresh.d/rest.py $url recording.mp3 'please send the first letter'"
		hear_all
		ask page 'the page' "python3 tools/fresh.d/rest.py $url"
		stop_server
	fi
	tests
}
