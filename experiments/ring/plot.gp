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
			"< " . law . " Q=40ms P=100ms Qs=4ms Ps=10ms" using 1:2 with lines lw 7 lc rgb "#a8cbe6" title "law with (4,10) ms: 0 from Ds on", \
			ran("R3") ? table("R3") : "/dev/null" using ($1 / 1e6):(1 - ($0 + 1) / rows(table("R3"))) with steps lw 2 lc rgb "#d55e00" title "hard (R3)", \
			ran("R4") ? table("R4") : "/dev/null" using ($1 / 1e6):(1 - ($0 + 1) / rows(table("R4"))) with steps lw 2 lc rgb "#0072b2" title "with a spare reservation (R4)"
	}
	if (ran("R1")) {
		if (svg) { set terminal svg size 1200,480 dynamic font "sans,14" background rgb "white" }
		else { set terminal pngcairo size 1200,480 font "sans,12" background rgb "white" }
		set output sprintf("%s/regimes.%s", dir, format)
		set multiplot layout 1,3 title "R1: injected start-up latency S, L = 16, 20 and 10 µs of work" margins 0.06,0.98,0.13,0.84 spacing 0.06
		set xrange [0:600]
		set xlabel "injected S, µs"
		set yrange [0:*]
		unset title
		do for [panel in "13,9 14,10 15,11"] {
			model = int(word(system("echo " . panel . " | tr ',' ' '"), 1))
			column = int(word(system("echo " . panel . " | tr ',' ' '"), 2))
			set ylabel word("T,µs_a_message E,µs_of_work_a_message messages_a_notification", column - 8) noenhanced offset 1
			scale = column == 11 ? 1 : 1000.0
			if (column == 9) { set key top left } else { unset key }
			plot for [i=1:3] of(word("C-start C-start-SP=200 P-start", i), table("R1")) using 2:(column(model) / scale) with lines lw 5 lc rgb word("#f3c9a8 #a8cbe6 #b8dcc8", i) notitle, \
				for [i=1:3] of(word("C-start C-start-SP=200 P-start", i), table("R1")) using 2:(column(column) / scale) with points pt 7 ps 0.5 lc rgb word("#d55e00 #0072b2 #009e73", i) title word("SC:FC,SCS SC:FC,SS;SP=200µs SP:FP,SPS", i) noenhanced
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
			set ylabel word("T,µs_a_message E,µs_of_work_a_message", i) noenhanced offset 1
			plot table("R2-model") using ($2 / 1000):(column(i + 2) / 1000) with lines lw 5 lc rgb "#f3c9a8" title "model, notified", \
				of("notified", table("R2")) using ($3 / 1000):(column(8 + i) / 1000) with points pt 7 ps 0.5 lc rgb "#d55e00" title "notified", \
				of("polling", table("R2")) using ($3 / 1000):(column(8 + i) / 1000) with points pt 6 ps 0.6 lc rgb "#0072b2" title "polling"
		}
		unset multiplot
	}
	unset output
}
