# gnuplot -e "dir='out/ring'; law='out/ring/build/law'; has='R1 R2 R3 R4'" plot.gp
# The figures of the stages that ran: measured points, and behind them the curve that the model has.

set datafile separator comma
set grid lt 1 lc rgb "#dddddd"
set border 3
set tics nomirror out
ran(stage) = strstrt(" " . has . " ", " " . stage . " ") > 0
table(stage) = sprintf("%s/%s.csv", dir, stage)
rows(file) = int(system("wc -l <" . file))
of(curve, file) = sprintf("< grep '^%s,' %s", curve, file)
array label_of[3] = ["T, µs a message", "E, µs of work a message", "messages a notification"]
array sweep_of[3] = ["of C: FC, SCS", "of C, SP = 200 µs: FC, SS", "of P: FP, SPS"]
array residency_of[3] = ["MB/s", "VM switches a second", "receiver waits for its CPU"]
faster = "P C"
array faster_of[2] = ["the sender is the faster", "the receiver is the faster"]
ways = "memory-shared memory-separate host-shared host-separate"
array way_of[4] = ["shared memory, one CPU", "shared memory, two CPUs", "through the host, one CPU", "through the host, two CPUs"]
regimes = "FC FP SCS SS"
modes = "each resting polling moderated"
array mode_of[4] = ["rung for each message", "rung when it rests", "polls", "rung each 100 µs"]
controls = "notified polling sleeping batches slowed"
array control_of[5] = ["notified", "C polls", "C sleeps 20 WP − WC", "kP = 16", "C slowed to 0.95 WP"]
array colour[5] = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#000000"]
array pale[5] = ["#f3c9a8", "#a8cbe6", "#b8dcc8", "#ebcbdb", "#cccccc"]
# R8: the mean of a column of a mode, in ms of ns; and how many messages of W a share of the CPU is enough for when interrupts of X come
# at a rate.
mean_of(mode, column) = real(system(sprintf("awk -F, '$1 == \"%s\" { sum += $%d; n++ } END { print n ? sum / n / 1e6 : 0 }' %s", mode, column, table("R8"))))
left(share, rate) = share * (rate * X < 1 ? 1 - rate * X : 0) / W
least(a, b) = a < b ? a : b
# R9: bytes, and by how many percent throughput is less than without look-ups, measured and by the model: T is WC.
lost_to(lookups, file) = sprintf("< awk -F, -v OFS=, '$1 == 0 { t[$2] = $9; m[$2] = $4 } $1 == %s { print $2, 100 * (1 - t[$2] / $9), 100 * (1 - m[$2] / $4) }' %s", lookups, file)

do for [format in "svg png"] {
	svg = format eq "svg"
	if (ran("R3") || ran("R4")) {
		if (svg) { set terminal svg size 900,480 dynamic font "sans,14" background rgb "white" }
		else { set terminal pngcairo size 900,480 font "sans,12" background rgb "white" }
		set output sprintf("%s/starts.%s", dir, format)
		set title "From the host's doorbell to the guest's look at the ring; the guest also computes all the time"
		set xlabel "x, ms"
		set ylabel "share of messages with S > x"
		set xrange [0:65]
		set yrange [0:0.7]
		set key top right
		plot "< " . law . " Q=40ms P=100ms" using 1:2 with lines lw 7 lc rgb "#f3c9a8" title "law of (40,100) ms: (D−x)/P", \
			"< " . law . " Q=40ms P=100ms Qs=4ms Ps=10ms" using 1:3 with lines lw 7 lc rgb "#a8cbe6" title "law with (4,10) ms, on loan for all of the gap: (1−U)(Ds−x)/Ps", \
			ran("R3") ? table("R3") : "/dev/null" using ($1 / 1e6):(1 - ($0 + 1) / rows(table("R3"))) with steps lw 2 lc rgb "#d55e00" title "hard (R3)", \
			ran("R4") ? table("R4") : "/dev/null" using ($1 / 1e6):(1 - ($0 + 1) / rows(table("R4"))) with steps lw 2 lc rgb "#0072b2" title "with a spare reservation (R4)", \
			ran("R4-reply") ? table("R4-reply") : "/dev/null" using ($1 / 1e6):(1 - ($0 + 1) / rows(table("R4-reply"))) with steps lw 2 lc rgb "#009e73" title "the same; the guest replies (R4-reply)"
	}
	if (ran("R1")) {
		if (svg) { set terminal svg size 1200,480 dynamic font "sans,14" background rgb "white" }
		else { set terminal pngcairo size 1200,480 font "sans,12" background rgb "white" }
		set output sprintf("%s/regimes.%s", dir, format)
		set multiplot layout 1,3 title "R1: injected start-up latency S, L = 16, 20 and 10 µs of work" margins 0.07,0.98,0.17,0.84 spacing 0.075
		set xrange [0:600]
		set xlabel "injected S, µs"
		set yrange [0:*]
		unset title
		do for [panel in "13,9 14,10 15,11"] {
			model = int(word(system("echo " . panel . " | tr ',' ' '"), 1))
			column = int(word(system("echo " . panel . " | tr ',' ' '"), 2))
			set ylabel label_of[column - 8]
			scale = column == 11 ? 1 : 1000.0
			if (column == 9) { set key bottom right } else { unset key }
			plot for [i=1:3] of(word("C-start C-start-SP=200 P-start", i), table("R1")) using 2:(column(model) / scale) with lines lw 5 lc rgb word("#f3c9a8 #a8cbe6 #b8dcc8", i) notitle, \
				for [i=1:3] of(word("C-start C-start-SP=200 P-start", i), table("R1")) using 2:(column(column) / scale) with points pt 7 ps 0.8 lc rgb word("#d55e00 #0072b2 #009e73", i) title sweep_of[i]
		}
		unset multiplot
	}
	if (ran("R2")) {
		if (svg) { set terminal svg size 1200,480 dynamic font "sans,14" background rgb "white" }
		else { set terminal pngcairo size 1200,480 font "sans,12" background rgb "white" }
		set output sprintf("%s/works.%s", dir, format)
		set multiplot layout 1,2 title "R2: work of the producer is swept, WC = 11 µs, L = 64; a guest sends" margins 0.07,0.98,0.17,0.88 spacing 0.08
		set xrange [4:26]
		set xlabel "WP, µs"
		set yrange [0:*]
		unset title
		set key top left
		works_C = real(system(sprintf("awk -F, '$1 == \"polling\" { sum += $4; n++ } END { print sum / n / 1000 }' %s", table("R2"))))
		do for [i = 1:2] {
			set ylabel label_of[i]
			plot table("R2-model") using ($2 / 1000):(column(i + 2) / 1000) with lines lw 5 lc rgb "#f3c9a8" title "model, notified", \
				of("notified", table("R2")) using ($3 / 1000):(column(8 + i) / 1000) with points pt 7 ps 0.5 lc rgb "#d55e00" title "notified", \
				i * (x > works_C ? x : works_C) with lines lw 5 lc rgb "#a8cbe6" title "model, polling", \
				of("polling", table("R2")) using ($3 / 1000):((i == 1 ? $9 : $16) / 1000) with points pt 6 ps 0.6 lc rgb "#0072b2" title "polling"
		}
		unset multiplot
	}
	if (ran("R7")) {
		if (svg) { set terminal svg size 1200,800 dynamic font "sans,14" background rgb "white" }
		else { set terminal pngcairo size 1200,800 font "sans,12" background rgb "white" }
		set output sprintf("%s/residency.%s", dir, format)
		set multiplot layout 2,3 title "R7: two VMs that share memory, or have a ring each with a thread of their host, which has a CPU of its own" margins 0.09,0.98,0.16,0.9 spacing 0.09,0.12
		set logscale x 2
		set xtics ("64" 64, "256" 256, "1K" 1024, "4K" 4096, "32K" 32768)
		set xrange [56:40000]
		do for [f = 1:2] {
			do for [i = 1:3] {
				set title (i == 2 ? faster_of[f] . " by a fifth" : "") offset 0,-0.6
				set xlabel (f == 2 ? "bytes a message" : "")
				set ylabel residency_of[i]
				if (i < 3) { set logscale y } else { unset logscale y }
				set yrange [(i == 1 ? 5 : i == 2 ? 30 : 0):(i == 1 ? 5000 : i == 2 ? 200000 : 1)]
				if (f == 2 && i == 3) { set key at screen 0.5,0.01 bottom center vertical maxrows 2 samplen 3 } else { unset key }
				plot for [w = 1:2] (i == 1 ? 1000 * x / ((w == 1 ? 1 : 1.8) * (300 + x / 4)) : NaN) with lines lw 5 lc rgb pale[3 - w] \
					title (w == 1 ? "two CPUs, by their work alone" : "one CPU, by their work alone"), \
					for [w = 1:4] of(word(faster, f) . "," . word(ways, w), table("R7")) using 3:(column(i + 4)) with linespoints lw 2 pt (w < 3 ? 7 : 6) ps 0.7 \
					dt 1 + (w > 2) lc rgb colour[2 - w % 2] title way_of[w]
			}
		}
		unset multiplot
		unset logscale
		unset title
		set xtics auto
	}
	if (svg) { set terminal svg size 1200,440 dynamic font "sans,14" background rgb "white" }
	else { set terminal pngcairo size 1200,440 font "sans,12" background rgb "white" }
	if (ran("R6")) {
		set output sprintf("%s/thresholds.%s", dir, format)
		set multiplot layout 1,2 title "R6: L = 32, 20 and 10 µs of work; S of 700 µs in SCS and SS; points measured, lines model and simulator" margins 0.07,0.98,0.19,0.86 spacing 0.08
		set xrange [0:30]
		set xlabel "threshold k, messages or slots"
		unset title
		set yrange [0:*]
		set ylabel "T, µs a message"
		set key at screen 0.3,0.55
		plot for [i=1:4] of(word(regimes, i), table("R6-model")) using 2:($3 / 1000) with lines lw 5 lc rgb pale[i] notitle, \
			for [i=1:4] of(word(regimes, i), table("R6")) using 2:($9 / 1000) with points pt 7 lc rgb colour[i] title word(regimes, i)
		unset key
		set ylabel "mean latency, µs"
		set logscale y
		set yrange [30:3000]
		plot for [i=1:4] of(word(regimes, i), table("R6-model")) using 2:($4 / 1000) with lines lw 5 lc rgb pale[i] notitle, \
			for [i=1:4] of(word(regimes, i), table("R6")) using 2:($16 / 1000) with points pt 7 lc rgb colour[i] notitle
		unset logscale y
		unset multiplot
	}
	if (ran("R8")) {
		set output sprintf("%s/livelock.%s", dir, format)
		set multiplot layout 1,2 title "R8: a guest takes 10 µs for a message; lines: what its interrupts leave it" margins 0.07,0.98,0.19,0.82 spacing 0.08
		X = mean_of("each", 5)
		W = mean_of("polling", 6)
		set xrange [0:150]
		set samples 301
		set xlabel "offered, messages a ms"
		set ylabel "consumed, messages a ms"
		set yrange [0:110]
		set key default; set key top left
		set title "all of a CPU"
		plot least(x, left(1, x)) with lines lw 5 lc rgb pale[1] notitle, least(x, left(1, 0)) with lines lw 5 lc rgb pale[2] notitle, \
			least(x, left(1, least(x, 10))) with lines lw 5 lc rgb pale[4] notitle, \
			for [i=1:4] of(word(modes, i), table("R8")) using 2:3 with points pt int(word("7 7 6 7", i)) lc rgb colour[i == 3 ? 5 : i == 2 ? 2 : i] title mode_of[i]
		set title "(40,100) ms, and (4,10) ms to borrow"
		plot for [share in "0.4 0.64"] least(x, left(real(share), x)) with lines lw 5 lc rgb pale[1] notitle, \
			for [share in "0.4 0.64"] least(x, left(real(share), 0)) with lines lw 5 lc rgb pale[2] notitle, \
			for [i=1:3] for [m=1:2] (ran("R8-" . word("hard spare charge", i)) ? of(word(modes, m), table("R8-" . word("hard spare charge", i))) : "/dev/null") \
				using 2:3 with points pt int(word("7 4 2", i)) lc rgb colour[m] title word("hard spare charge=1", i) . ", " . mode_of[m]
		unset multiplot
		unset title
	}
	if (ran("R9")) {
		set output sprintf("%s/lookups.%s", dir, format)
		set multiplot layout 1,2 title "R9: the receiving guest looks up addresses for each message; points T, lines WC, both measured" margins 0.075,0.98,0.19,0.86 spacing 0.08
		set logscale x 2
		set xrange [3:20000]
		set xtics ("4" 4, "16" 16, "64" 64, "256" 256, "1K" 1024, "4K" 4096, "16K" 16384)
		set xlabel "bytes a message"
		set ylabel "T, µs a message"
		set logscale y
		set yrange [0.2:10]
		set key default; set key top left
		plot for [i=1:3] of(word("0 1 10", i), table("R9")) using 2:($4 / 1000) with lines lw 5 lc rgb pale[i] notitle, \
			for [i=1:3] of(word("0 1 10", i), table("R9")) using 2:($9 / 1000) with points pt 7 lc rgb colour[i] title word("0 1 10", i) . " look-ups"
		unset logscale y
		unset key
		set ylabel "throughput lost to look-ups, %"
		set yrange [0:*]
		plot for [i=2:3] lost_to(word("0 1 10", i), table("R9")) using 1:3 with lines lw 5 lc rgb pale[i] notitle, \
			for [i=2:3] lost_to(word("0 1 10", i), table("R9")) using 1:2 with points pt 7 lc rgb colour[i] notitle
		unset multiplot
		unset logscale x
		set xtics auto
	}
	if (ran("R10")) {
		set output sprintf("%s/control.%s", dir, format)
		set multiplot layout 1,2 title "R10: a guest sends to a host that is faster, WC = 11 µs, L = 64; points measured, lines simulated" margins 0.07,0.98,0.19,0.86 spacing 0.07
		set xrange [11:31]
		set xlabel "WP, µs"
		set yrange [0:*]
		set key default; set key bottom right
		do for [i = 0:1] {
			set ylabel (i ? "CPU time of both, µs a message" : "T, µs a message")
			plot for [c=1:5] of(word(controls, c), table("R10-model")) using ($2 / 1000):(column(3 + i) / 1000) with lines lw 5 lc rgb pale[c] notitle, \
				for [c=1:5] of(word(controls, c), table("R10")) using ($2 / 1000):((i ? ($16 + $17) / $19 : $9) / 1000) with points pt 7 ps 0.7 lc rgb colour[c] title control_of[c]
		}
		unset multiplot
	}
	unset output
}
