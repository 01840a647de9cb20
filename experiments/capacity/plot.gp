# p99 over the share of the CPU that the pool takes, a curve a number of VMs; three times an idle VM's. Needs dir.
set datafile separator ','
set xlabel 'of the CPU for the pool, %'
set ylabel 'p99, ms'
set logscale xy
set xrange [0.8:50]
set yrange [0.01:200]
set format y '%g'
set xtics (1, 2, 3, 5, 10, 20, 40)
set grid
set key top right font ',9'
spare(vms, linger) = sprintf("< awk -F, '$1 == %d && $2 == \"spare\" && $6 == %d { print $7 \",\" $11 / 1000 }' %s/summary.csv | sort -t, -g", vms, linger, dir)
idle(vms) = real(system(sprintf("awk -F, '$1 == %d && $2 == \"idle\" { print 3 * $11 / 1000 }' %s/summary.csv", vms, dir)))
vms = system(sprintf("cut -d, -f1 %s/least.csv | sed 1d | uniq | tr '\\n' ' '", dir))
do for [kind in 'svg png'] {
	if (kind eq 'svg') { set terminal svg size 1200, 420 font 'sans,11' background 'white' } else { set terminal png size 1200, 420 }
	set output sprintf('%s/capacity.%s', dir, kind)
	set multiplot layout 1, 2
	do for [linger in '200 50'] {
		set title 'linger = '.linger.' us'
		plot for [i=1:words(vms)] spare(int(word(vms, i)), int(linger)) using 1:2 with points pointtype 4 + i linecolor i title word(vms, i).' VMs', \
			for [i=1:words(vms)] idle(int(word(vms, i))) with lines dashtype 2 linecolor i title '3 times idle, '.word(vms, i)
	}
	unset multiplot
}
