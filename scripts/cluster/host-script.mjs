/** What runs as the first process of a host: it puts together what the host sees, starts sshd, and collects what ends. */

/** Folders of this machine that no host is to see, besides the clone. */
const hidden = ["/root", "/opt", "/tmp", "/var/tmp", "/usr/local/bin"]

/**
 * The folders of the host stand in `own`, which may lie within one that it hides: so all that is needed goes to /run first.
 *
 * @param {object} host
 */
export function hostScript({
  name,
  user,
  node,
  own,
  home: homes,
  repository,
  homeMiB,
  setup,
  authorizedKeys,
}) {
  const home = user === "root" ? "/root" : `/home/${user}`
  return `
set -e
own=${quote(own)}
hostname ${name}
mkdir -p /run/sshd

# Its own users; the machine's stay for what runs as one of them.
cp /etc/passwd "$own/passwd"; cp /etc/group "$own/group"; cp /etc/shadow "$own/shadow"
grep -q '^sshd:' "$own/passwd" || echo 'sshd:x:74:65534::/run/sshd:/usr/sbin/nologin' >> "$own/passwd"
${user === "root" ? "" : `echo '${user}:x:2001:2001::${home}:/bin/bash' >> "$own/passwd"; echo '${user}:x:2001:' >> "$own/group"; echo '${user}:*:19000:0:99999:7:::' >> "$own/shadow"`}
sed -i 's/^root:[^:]*:/root:*:/' "$own/shadow"

mount -t tmpfs -o mode=755 cellfan /mnt
mkdir -p /mnt/home /mnt/bin
${homeMiB === undefined ? `mount --bind ${quote(homes)} /mnt/home` : `mount -t tmpfs -o mode=755,size=${homeMiB}m cellfan /mnt/home`}
cp "$own/sshd_config" "$own"/key_* "$own/passwd" "$own/group" "$own/shadow" /mnt/
cp ${quote(authorizedKeys)} /mnt/authorized_keys
chmod 600 /mnt/key_*
${node === false ? "" : `touch /mnt/bin/node; mount --bind "$(readlink -f ${quote(node)})" /mnt/bin/node`}
# No Node but the one it is to have.
for found in $(which -a node); do mount --bind /dev/null "$found"; done

mount --rbind /mnt/home /home
for folder in ${[...hidden, quote(repository)].join(" ")}; do
  [ -d "$folder" ] || continue
  mount -t tmpfs -o mode=755 cellfan "$folder"
done
chmod 1777 /tmp /var/tmp
${node === false ? "" : "touch /usr/local/bin/node; mount --bind /mnt/bin/node /usr/local/bin/node"}
for file in passwd group shadow; do mount --bind /mnt/$file /etc/$file; done
mount -t tmpfs -o mode=755 cellfan /run
mkdir -p /run/sshd ${home}/.ssh
cp /mnt/authorized_keys ${home}/.ssh/authorized_keys
chmod 700 ${home}/.ssh
chown -R ${user} ${home}
${setup}
/usr/sbin/sshd -D -e -f /mnt/sshd_config </dev/null &
# It lives as long as whoever started it.
cat >/dev/null
`
}

export function sshdConfig(port, lines) {
  return [
    ...lines,
    `Port ${port}`,
    "HostKey /mnt/key_ed25519",
    "HostKey /mnt/key_ecdsa",
    "PidFile none",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "AllowTcpForwarding yes",
    "Subsystem sftp internal-sftp",
    "SetEnv PATH=/usr/local/bin:/usr/bin:/bin",
    "",
  ].join("\n")
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`
}
