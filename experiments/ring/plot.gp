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
array residency_of[3] = ["MB/s", "VM switches a second", "receiver without CPU or work, share of time"]

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
		set multiplot layout 1,3 title "R1: injected start-up latency S, L = 16, 20 and 10 µs of work" margins 0.06,0.98,0.13,0.84 spacing 0.075
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
		set multiplot layout 1,2 title "R2: work of the producer is swept, WC = 11 µs, L = 256; a guest sends" margins 0.06,0.98,0.13,0.88 spacing 0.08
		set xrange [4:26]
		set xlabel "WP, µs"
		set yrange [0:*]
		unset title
		set key top left
		do for [i = 1:2] {
			set ylabel label_of[i]
			plot table("R2-model") using ($2 / 1000):(column(i + 2) / 1000) with lines lw 5 lc rgb "#f3c9a8" title "model, notified", \
				of("notified", table("R2")) using ($3 / 1000):(column(8 + i) / 1000) with points pt 7 ps 0.5 lc rgb "#d55e00" title "notified", \
				of("polling", table("R2")) using ($3 / 1000):(column(8 + i) / 1000) with points pt 6 ps 0.6 lc rgb "#0072b2" title "polling"
		}
		unset multiplot
	}
	if (ran("R7")) {
		if (svg) { set terminal svg size 1200,440 dynamic font "sans,14" background rgb "white" }
		else { set terminal pngcairo size 1200,440 font "sans,12" background rgb "white" }
		set output sprintf("%s/residency.%s", dir, format)
		set multiplot layout 1,3 title "R7: two VMs that share memory, on one CPU and on two" margins 0.07,0.98,0.15,0.86 spacing 0.09
		set logscale x 2
		set xtics ("64" 64, "256" 256, "1K" 1024, "4K" 4096, "32K" 32768)
		set xrange [56:40000]
		set xlabel "bytes a message"
		unset title
		set key top left
		do for [i = 1:3] {
			set ylabel residency_of[i]
			plot of("shared", table("R7")) using 2:(i == 3 ? $7 + $9 : column(i + 3)) with linespoints lw 2 pt 7 ps 0.5 lc rgb "#d55e00" title "one CPU", \
				of("separate", table("R7")) using 2:(i == 3 ? $7 + $9 : column(i + 3)) with linespoints lw 2 pt 7 ps 0.5 lc rgb "#0072b2" title "two CPUs"
			unset key
		}
		unset multiplot
		unset logscale x
		set xtics auto
	}
	if (svg) { set terminal svg size 1200,440 dynamic font "sans,14" background rgb "white" }
	else { set terminal pngcairo size 1200,440 font "sans,12" background rgb "white" }
	set output sprintf("%s/control.%s", dir, format)
	set multiplot layout 1,2 title "R10, simulated: the fast consumer sleeps in place of blocking; WC = 1.1 µs, costs of the paper's prototype" margins 0.06,0.98,0.15,0.86 spacing 0.07
	set xrange [1.1:3]
	set xlabel "WP, µs"
	set yrange [0:*]
	unset title
	set key bottom right
	do for [i = 0:1] {
		set ylabel label_of[i + 1]
		plot table("R10") using ($1 / 1000):(column(2 + i) / 1000) with lines lw 2 lc rgb "#d55e00" title "notified", \
			table("R10") using ($1 / 1000):(column(4 + i) / 1000) with lines lw 6 lc rgb "#a8cbe6" title "polling", \
			table("R10") using ($1 / 1000):(column(6 + i) / 1000) with lines lw 2 lc rgb "#009e73" title "sleeping"
	}
	unset multiplot
	unset output
}
