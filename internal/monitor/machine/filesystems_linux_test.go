package machine

import (
	"strings"
	"testing"
)

// TestWhatIsAFileSystem: what holds somebody's files is one, once; what the kernel and engines make up is
// none, and neither are images, which are full from the beginning and would alarm for ever.
func TestWhatIsAFileSystem(t *testing.T) {
	const mountinfo = `22 27 0:21 / /proc rw - proc proc rw
27 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw
28 27 253:0 /srv /export rw - ext4 /dev/mapper/vg-root rw
29 27 0:40 /@home /home rw - btrfs /dev/sdb1 rw,subvol=/@home
30 27 0:40 /@ /data rw - btrfs /dev/sdb1 rw,subvol=/@
31 27 0:45 / /mnt/nas rw - nfs4 nas:/volume1 rw
32 27 0:45 / /mnt/nas2 rw - nfs4 nas:/volume2 rw
33 27 0:46 / /mnt/remote rw - fuse.sshfs nas: rw
34 27 0:47 / /snap/core/1 ro - squashfs /dev/loop0 ro
35 27 0:48 / /tmp/.mount_NextcaXyz ro - fuse.Nextcloud.AppImage Nextcloud.AppImage ro
36 27 0:49 / /opt/image ro - fuse.squashfuse squashfuse ro
37 27 11:0 / /media/disc ro - udf /dev/sr0 ro
38 27 0:50 / /run/user/1000/doc rw - fuse.portal portal rw
39 27 0:51 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
40 27 8:33 / /mnt/a rw - xfs /dev/sdc1 rw
41 27 8:49 / /mnt/a rw - xfs /dev/sdd1 rw
`
	var got []string
	for _, m := range fileSystems(mountinfo) {
		got = append(got, m.Mount+" of "+m.Device)
	}
	want := "/ of /dev/mapper/vg-root, /data of /dev/sdb1, /mnt/nas of nas:/volume1, /mnt/nas2 of nas:/volume2, /mnt/remote of nas:, /mnt/a of /dev/sdd1"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
}
