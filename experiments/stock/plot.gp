# gnuplot -e "dir='out/stock'" plot.gp
# How many pings take longer than that, a panel a phase.

set datafile separator comma
rtt = dir . "/rtt.csv"
tiers = "debian12 debian13 patched"
array tier_title[3] = ["Debian 12, 6.1", "Debian 13, 6.12", "patched"]
arms = "idle hard spare"
array limit_of[3] = ["cpu.max (40,100) ms", "cpu.max (40,100) ms", "reservation (40,100) ms"]
# Okabe and Ito's colours: the colour-blind can tell them apart
array colour_of[3] = ["#e69f00", "#0072b2", "#009e73"]
array dash_of[3] = [3, 2, 1]
array width_of[3] = [2, 2.5, 3.5]
phases = "depletion random"
array phase_title[2] = ["pinged when its time is up", "pinged at random"]

title_of(tier, arm) = tier_title[tier] . ": " . (arm == 1 ? "idle guest" : arm == 2 ? limit_of[tier] : tier == 3 ? "… and pool (1,10) ms" : "… and lender (1,10) ms")
# Latency in ms and how many are as long or longer. Of those that are not rare each tenth is drawn.
longer(tier, arm, phase) = "grep '^" . word(tiers, tier) . "," . word(arms, arm) . "," . phase . ",' " . rtt . " | cut -d, -f6 | grep . | sort -g | " . \
	"awk '{ v[NR] = $1 } END { for (i = 1; i <= NR; i++) if (i == 1 || i % 10 == 0 || NR - i < 50) print v[i] / 1000 \",\" (NR - i + 1) / NR }'"
# Numbers of what a phase was run with: 3 * (tier - 1) + arm - 1.
curves(phase) = system(sprintf("awk -F, -v tiers='%s' -v arms='%s' '$3 == \"%s\" { ran[$1, $2] } END { split(tiers, t, \" \"); split(arms, a, \" \"); for (i = 0; i < 9; i++) if ((t[int(i / 3) + 1], a[i %% 3 + 1]) in ran) print i }' %s/summary.csv", tiers, arms, phase, dir))

set logscale xy 10
set grid lt 1 lc rgb "#dddddd"
set border 3
set tics nomirror out
set xtics ("30 µs" 0.03, "" 0.1 1, "300 µs" 0.3, "" 1 1, "3 ms" 3, "" 10 1, "30 ms" 30, "" 100 1)
set xrange [0.03:200]
set yrange [0.0008:1.2]
set ytics ("1" 1, "0.1" 0.1, "0.01" 0.01, "0.001" 0.001)
set xlabel "round-trip time (log scale)"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1300,620 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1300,620 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/stock.%s", dir, format)
	set ylabel "pings that take as long or longer (log)"
	set multiplot layout 1,2 margins 0.07,0.985,0.29,0.87 spacing 0.06 title "Ping to a guest that computes and has 40 % of its CPU, on kernels that need no patch and on the patched one"
	# An idle guest is never out of time, so only the second panel has all curves, and the key.
	do for [p=1:2] {
		if (words(curves(word(phases, p))) == 0) { continue }
		set title phase_title[p]
		if (p == 1) { unset key } else { set key at screen 0.5,0.02 bottom center vertical maxrows 3 reverse Left samplen 3 width -6 noenhanced }
		plot for [c in curves(word(phases, p))] "< " . longer(c / 3 + 1, c % 3 + 1, word(phases, p)) using 1:2 with steps \
			lw width_of[c % 3 + 1] dt dash_of[c % 3 + 1] lc rgb colour_of[c / 3 + 1] title title_of(c / 3 + 1, c % 3 + 1)
		unset ylabel
	}
	unset multiplot
	unset output
}
