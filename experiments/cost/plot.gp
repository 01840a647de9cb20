# gnuplot -e "dir='out/cost'" plot.gp
# Left: each path against the unpatched kernel. Right: each step of a loan by the number of VMs, units or CPUs.

set datafile separator comma
paths = dir . "/paths.csv"
steps = dir . "/steps.csv"
array name_of[5] = ["switch", "deadline", "packet", "ping", "hackbench"]
array label_of[5] = ["switch,\nOTHER", "switch,\nDEADLINE", "packet\nto tap", "ping to\nguest", "hackbench"]
array kernel_of[2] = ["patched", "pool"]
array look_of[2] = ["patched, no pool", "patched, 16 VMs may borrow"]
array step_of[4] = ["event", "event_borrow", "dispatch", "loan"]
array said_of[4] = ["event, thread runs", "event and borrow", "dispatch", "wake-up, loan, sleep"]
array colour_of[4] = ["#777777", "#0072b2", "#e69f00", "#d55e00"]
cost(name, kernel) = real(system(sprintf("sed -n 's/^%s,%s,//p' %s", name, kernel, paths)) . "0") / 10
has(name, kernel) = cost(name, kernel) > 0
more(name, kernel) = has(name, kernel) ? 100 * (cost(name, kernel) / cost(name, "vanilla") - 1) : NaN
rows(step, by) = sprintf("< awk -F, '$4 == \"%s\" && (%s)' %s", step, by, steps)

set border 3
set tics nomirror out
set grid ytics lt 1 lc rgb "#dddddd"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1200,480 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1200,480 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/cost.%s", dir, format)
	set multiplot title "What the patches cost, in instructions"
	set margins screen 0.07, screen 0.45, screen 0.3, screen 0.86
	set title "hot paths, against the unpatched kernel"
	set ylabel "more instructions, %"
	set yrange [-1:2]
	set xrange [0.4:5.6]
	unset logscale
	set xtics ("" 1)
	do for [i=1:5] { set xtics add (label_of[i] i) }
	set key at screen 0.26,0.02 bottom center horizontal
	set boxwidth 0.3
	set style fill solid
	plot for [k=1:2] "+" using (column(0) + 1 + 0.32 * (k - 1.5)):(more(name_of[int(column(0)) + 1], kernel_of[k])) every ::0::4 \
		with boxes lc rgb (k == 1 ? "#0072b2" : "#e69f00") title look_of[k]

	set margins screen 0.55, screen 0.98, screen 0.3, screen 0.86
	set title "each step: VMs (lines), units (□), CPUs (×)"
	set ylabel "instructions"
	set yrange [0:*]
	set logscale x 2
	set xrange [0.8:80]
	set xtics (1, 2, 4, 8, 16, 32, 64)
	set xlabel "number of VMs, of units on a CPU, or of CPUs; the others 1"
	set key at screen 0.765,0.02 bottom center vertical maxrows 3 samplen 3
	plot for [i=1:4] rows(step_of[i], "$2 == 1 && $3 == 1") using 1:5 with linespoints pt 7 ps 0.6 lw 2.5 lc rgb colour_of[i] title said_of[i], \
		for [i=1:4] rows(step_of[i], "$1 == 1 && $3 == 1") using 2:5 with points pt 4 ps 1.2 lw 1.5 lc rgb colour_of[i] notitle, \
		for [i=1:4] rows(step_of[i], "$1 == 1 && $2 == 1") using 3:5 with points pt 2 ps 1.2 lw 1.5 lc rgb colour_of[i] notitle
	unset multiplot
	unset output
	unset xlabel
}
