#!/usr/bin/env bash
# Makes certificates for trying TLS on this machine: an authority, a server's for localhost, 127.0.0.1
# and ::1, and a client's. They are for nothing else: the authority's key lies beside them.
#
# usage: examples/certs.sh [--force] [FOLDER]
#
# What is in the folder and still valid is kept; --force makes everything anew. Needs OpenSSL 3.
set -euo pipefail

days=90
force=
folder=

die() {
  printf 'certs.sh: %s\n' "$*" >&2
  exit 1
}

for word; do
  case $word in
    --force) force=yes ;;
    -*) die "the only option is --force, not '$word'" ;;
    *)
      [[ -z $folder ]] || die "one folder, not both '$folder' and '$word'"
      folder=$word
      ;;
  esac
done
folder=${folder:-$(dirname "${BASH_SOURCE[0]}")/../build/certs}
command -v openssl >/dev/null || die "there is no openssl: ./dev deps installs it"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
umask 077  # A key is nobody else's from the first instant.
work=$(mktemp -d "$folder/new.XXXXXX")
trap 'rm -rf "$work"' EXIT

openssl_() {
  openssl "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; die "openssl $1 failed"; }
}

# valid NAME PURPOSE: whether a certificate is signed by the authority, will be for another day, and
# has its key.
valid() {
  local pem=$folder/$1.pem key=$folder/$1.key
  [[ -z $force && -r $pem && -r $key ]] || return 1
  openssl x509 -in "$pem" -noout -checkend 86400 >/dev/null 2>&1 || return 1
  openssl verify -no-CApath -no-CAstore -CAfile "$folder/ca.pem" -purpose "$2" "$pem" \
    >/dev/null 2>&1 || return 1
  [[ $(openssl x509 -in "$pem" -noout -pubkey 2>/dev/null) == \
    "$(openssl pkey -in "$key" -pubout 2>/dev/null)" ]]
}

# make NAME SUBJECT OPTION...: standard input says what stands in the certificate.
make() {
  local name=$1 subject=$2
  shift 2
  # A configuration of our own: the system's would add to the certificate.
  { printf '[req]\ndistinguished_name = name\nx509_extensions = extensions\n[name]\n[extensions]\n'
    cat; } >"$work/config"
  openssl_ genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$name.key"
  openssl_ req -x509 -new -sha256 -days "$days" -subj "$subject" -config "$work/config" \
    -key "$work/$name.key" -out "$work/$name.pem" "$@"
  chmod 0644 "$work/$name.pem"
  # Whole files take the place of whole files: a server may be reading them.
  mv -f "$work/$name.key" "$work/$name.pem" "$folder"
  made+=("$name.pem")
}

made=()
authority=(-CA "$folder/ca.pem" -CAkey "$folder/ca.key")
valid ca any || make ca "/CN=Weir throw-away CA" <<'END'
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
END
valid server sslserver || make server "/CN=localhost" "${authority[@]}" <<'END'
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
valid client sslclient || make client "/CN=Weir client" "${authority[@]}" <<'END'
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END

what="everything was there and is kept"
((${#made[@]} == 0)) || what="made ${made[*]}, for $days days"
at=${folder#"$PWD"/}
# As it is written in a URL between quotes.
url=$(sed "s/%/%25/g; s/ /%20/g; s/&/%26/g; s/#/%23/g; s/'/%27/g" <<<"$at")
cat <<END
In $at: $what. Try, in two terminals:

  weir serve echo 'tls://127.0.0.1:7443?cert=$url/server.pem&key=$url/server.key'
  weir connect 'tls://localhost:7443?ca=$url/ca.pem' -m hello
  openssl s_client -connect localhost:7443 -CAfile $(printf %q "$at")/ca.pem -verify_return_error

To ask for client certificates, add &client-ca=$url/ca.pem to the server's URL, and to the client's
&cert=$url/client.pem&key=$url/client.key
END
