# Boots an instance within new namespaces of mounts, processes, names and its network:
#   boot.sh FOLDER HOSTNAME NODE BOOT_SECONDS
# FOLDER has user-data, and prepare, which changes the image. The root is this machine's, written to a layer of its own; Node is there only where NODE is "with-node".
set -e
folder=$1
mount --make-rprivate /
mount -t tmpfs instance "$folder/disk" -o size=2g
cd "$folder/disk"
mkdir up work root
mount -t overlay root -o lowerdir=/,upperdir=up,workdir=work root
mount -t proc proc root/proc
mount -t tmpfs tmp root/tmp
mount -t tmpfs dev root/dev -o mode=755
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r name major minor <<<"$device"
  mknod -m 666 "root/dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd root/dev/fd
mkdir root/dev/shm
touch root/dev/console
hostname "$2"
mkdir -p root/var/lib/cloud
cp "$folder/user-data" root/var/lib/cloud/user-data
rm -rf root/var/lib/cellfan root/opt/cellfan-node root/var/log/cellfan.log
[ "$3" = with-node ] || find root/usr/bin root/usr/local/bin -maxdepth 1 -name 'node*' -delete
cat >root/usr/sbin/shutdown <<'S'
#!/bin/sh
[ "$(id -u)" = 0 ] || { echo "shutdown: must be root" >&2; exit 1; }
exec curl -s -X POST http://169.254.169.254/shutdown
S
chmod 755 root/usr/sbin/shutdown
cd root
. "$folder/prepare"
sleep "$4"
exec chroot . /bin/bash --norc --noprofile -c '
  cd /
  cp /var/lib/cloud/user-data /var/lib/cloud/script
  # As cloud-init does: packed or not, a script or nothing.
  if gzip -t /var/lib/cloud/script 2>/dev/null; then gunzip -c </var/lib/cloud/user-data >/var/lib/cloud/script; fi
  chmod 700 /var/lib/cloud/script
  if head -c 2 /var/lib/cloud/script | grep -q "#!"; then /var/lib/cloud/script </dev/null >/var/log/cloud-init-output.log 2>&1; fi
  exec sleep infinity'
