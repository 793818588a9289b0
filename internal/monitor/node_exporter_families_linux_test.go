package monitor

import (
	"regexp"
	"strings"
)

// leftOut are the families of node_exporter's default collectors that /metrics does not tell, and
// why. This is the one place for it: a family that is neither told nor here fails the tests.
var leftOut = []struct{ families, why string }{
	{`go_|promhttp_`, "what goes on inside node_exporter itself"},
	{`node_textfile_`, "files that scripts write for node_exporter are not read"},
	{`node_selinux_`, "a setting, which no dashboard draws"},
	{`node_dmi_info`, "serial numbers of board and case, which no dashboard draws"},
	{`node_nvme_info`, "node_disk_info says it of every disk"},
	{`node_disk_(ata|device_mapper|filesystem)_`, "from udev's database, which no dashboard draws"},
	{`node_filesystem_mount_info`, "the labels of the other families of file systems, once more"},
	{`node_power_supply_`, "beyond mains, charge, power and state: by the firmware's taste, which no dashboard draws"},
	{`node_(btrfs|xfs|bcache)_|node_zfs_zpool_`, "the inner counts of a file system, which only its own specialists' dashboards draw"},
	{`node_(nfs|nfsd|ipvs|infiniband|fibrechannel|tape|watchdog)_`, "not of a household's machine"},
	{`node_cpu_scaling_governor`, "a setting, which no dashboard draws"},
	{`node_systemd_`, "Debian's package asks systemd by default; here failed units alone are asked for"},
}

// whyLeftOut is why a family is not told, "" when it must be.
func whyLeftOut(family string) string {
	for _, l := range leftOut {
		if regexp.MustCompile(`^(` + l.families + `)`).MatchString(family) {
			return l.why
		}
	}
	return ""
}

// others are families that both tell, each of itself or in its own words: their own process, their
// own collectors, and what newer versions add to an interface's labels and udev to a disk's.
var others = regexp.MustCompile(`^(process_|node_scrape_|node_exporter_|node_time_seconds|node_network_info|node_disk_info)`)

// still are families that do not move while a test runs.
var still = regexp.MustCompile(`^node_(boot_time|uname_info|os_|network_(mtu|speed|iface|flags|protocol|transmit_queue|address|device_id|dormant|net_dev)|memory_(MemTotal|SwapTotal|Hugepagesize|VmallocTotal|HugePages_Total)|` +
	`filesystem_(size_bytes|files$|readonly|device_error)|entropy_pool|nf_conntrack_entries_limit|filefd_maximum|time_clocksource|time_zone|timex_tick|timex_pps|zfs_zpool_state)`)

// dashboards are the families that popular dashboards and alert rules for node_exporter ask for,
// and that every Linux machine with a network has: Node Exporter Full (1860) and its variables, the
// rules of node-mixin and awesome-prometheus-alerts, the tables of 8919.
var dashboards = strings.Fields(`
	node_uname_info node_exporter_build_info node_os_info node_boot_time_seconds node_time_seconds node_time_zone_offset_seconds
	node_cpu_seconds_total node_cpu_guest_seconds_total node_load1 node_load5 node_load15 node_procs_running node_procs_blocked node_forks_total
	node_context_switches_total node_intr_total node_entropy_available_bits node_entropy_pool_size_bits
	node_memory_MemTotal_bytes node_memory_MemFree_bytes node_memory_MemAvailable_bytes node_memory_Buffers_bytes node_memory_Cached_bytes node_memory_SwapCached_bytes
	node_memory_SwapTotal_bytes node_memory_SwapFree_bytes node_memory_Slab_bytes node_memory_SReclaimable_bytes node_memory_SUnreclaim_bytes node_memory_PageTables_bytes
	node_memory_Active_bytes node_memory_Inactive_bytes node_memory_Active_anon_bytes node_memory_Active_file_bytes node_memory_Inactive_anon_bytes node_memory_Inactive_file_bytes
	node_memory_Committed_AS_bytes node_memory_CommitLimit_bytes node_memory_Dirty_bytes node_memory_Writeback_bytes node_memory_WritebackTmp_bytes node_memory_Mapped_bytes
	node_memory_Shmem_bytes node_memory_VmallocTotal_bytes node_memory_VmallocUsed_bytes node_memory_VmallocChunk_bytes node_memory_Bounce_bytes node_memory_AnonPages_bytes
	node_memory_KernelStack_bytes node_memory_Percpu_bytes node_memory_Unevictable_bytes node_memory_Mlocked_bytes node_memory_NFS_Unstable_bytes
	node_vmstat_pgpgin node_vmstat_pgpgout node_vmstat_pswpin node_vmstat_pswpout node_vmstat_pgfault node_vmstat_pgmajfault node_vmstat_oom_kill
	node_timex_estimated_error_seconds node_timex_offset_seconds node_timex_maxerror_seconds node_timex_loop_time_constant node_timex_sync_status
	node_timex_frequency_adjustment_ratio node_timex_tick_seconds node_timex_tai_offset_seconds node_timex_pps_jitter_seconds node_timex_pps_frequency_hertz
	node_filesystem_size_bytes node_filesystem_free_bytes node_filesystem_avail_bytes node_filesystem_files node_filesystem_files_free node_filesystem_readonly node_filesystem_device_error
	node_disk_reads_completed_total node_disk_writes_completed_total node_disk_read_bytes_total node_disk_written_bytes_total node_disk_read_time_seconds_total
	node_disk_write_time_seconds_total node_disk_io_time_seconds_total node_disk_io_time_weighted_seconds_total node_disk_reads_merged_total node_disk_writes_merged_total node_disk_io_now
	node_network_receive_bytes_total node_network_transmit_bytes_total node_network_receive_packets_total node_network_transmit_packets_total node_network_receive_errs_total
	node_network_transmit_errs_total node_network_receive_drop_total node_network_transmit_drop_total node_network_receive_compressed_total node_network_transmit_compressed_total
	node_network_receive_multicast_total node_network_receive_fifo_total node_network_transmit_fifo_total node_network_receive_frame_total node_network_transmit_carrier_total
	node_network_transmit_colls_total node_network_up node_network_carrier node_network_mtu_bytes node_network_transmit_queue_length node_network_info
	node_sockstat_sockets_used node_sockstat_TCP_alloc node_sockstat_TCP_inuse node_sockstat_TCP_mem node_sockstat_TCP_mem_bytes node_sockstat_TCP_orphan node_sockstat_TCP_tw
	node_sockstat_UDP_inuse node_sockstat_UDP_mem node_sockstat_UDP_mem_bytes node_sockstat_RAW_inuse node_sockstat_FRAG_inuse node_sockstat_FRAG_memory
	node_netstat_IpExt_InOctets node_netstat_IpExt_OutOctets node_netstat_Ip_Forwarding node_netstat_Icmp_InMsgs node_netstat_Icmp_OutMsgs node_netstat_Icmp_InErrors
	node_netstat_Udp_InDatagrams node_netstat_Udp_OutDatagrams node_netstat_Udp_InErrors node_netstat_Udp_NoPorts node_netstat_Udp_RcvbufErrors node_netstat_Udp_SndbufErrors
	node_netstat_Tcp_InSegs node_netstat_Tcp_OutSegs node_netstat_Tcp_RetransSegs node_netstat_Tcp_InErrs node_netstat_Tcp_OutRsts node_netstat_Tcp_ActiveOpens
	node_netstat_Tcp_PassiveOpens node_netstat_Tcp_CurrEstab node_netstat_TcpExt_ListenOverflows node_netstat_TcpExt_ListenDrops node_netstat_TcpExt_TCPSynRetrans
	node_netstat_TcpExt_TCPTimeouts node_netstat_TcpExt_SyncookiesFailed node_netstat_TcpExt_SyncookiesRecv node_netstat_TcpExt_SyncookiesSent
	node_softnet_processed_total node_softnet_dropped_total node_softnet_times_squeezed_total node_udp_queues node_filefd_allocated node_filefd_maximum
	node_scrape_collector_success node_scrape_collector_duration_seconds process_cpu_seconds_total process_resident_memory_bytes process_virtual_memory_bytes
	process_virtual_memory_max_bytes process_open_fds process_max_fds process_start_time_seconds`)

// perKernel are families that not every kernel has.
var perKernel = []string{"node_netstat_TcpExt_TCPTimeouts", "node_memory_NFS_Unstable_bytes", "node_vmstat_oom_kill", "node_memory_Percpu_bytes"}
