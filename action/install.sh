#!/bin/sh
# Finds the nuon-gate that belongs to this commit of the action, and passes its path to the next step; with the input
# install-only, to all later steps. It uses the first of these that works:
#   1. the file of the input binary-path;
#   2. the program that manifest.tsv lists for this platform: in the tool cache, on PATH, or downloaded, and only with the listed hash;
#   3. a build from the action's own checkout.
# A wrong hash is fatal: an attack must not turn into a build. This script needs no token and sends none.
set -eu

method=${NUON_GATE_INSTALL_METHOD:-auto}
given=${NUON_GATE_BINARY_PATH:-}
base=${NUON_GATE_DOWNLOAD_BASE_URL:-https://github.com/nuon-gate/nuon-gate/releases/download}
base=${base%/}
install_only=$(printf '%s' "${NUON_GATE_INSTALL_ONLY:-false}" | tr '[:upper:]' '[:lower:]' | tr -d '[:space:]')
cache=${RUNNER_TOOL_CACHE:-}
ways='Alternatives: set binary-path to a nuon-gate that is already on the runner, download-base-url to a mirror of the releases, or `install-method: source`, which builds it with cargo.'
newline='
'

# The job's environment may hold secrets, which neither a download nor a build needs.
unset NUON_API_TOKEN GITHUB_TOKEN GH_TOKEN ACTIONS_ID_TOKEN_REQUEST_TOKEN NUON_OIDC_TOKEN NUON_GATE_SLACK_TOKEN \
    NUON_GATE_SLACK_WEBHOOK_URL NUON_GATE_WEBHOOK_URL NUON_GATE_WEBHOOK_SECRET NUON_GATE_WEBHOOK_HEADERS \
    NUON_GATE_TEAMS_WEBHOOK_URL NUON_GATE_DISCORD_WEBHOOK_URL

# Prints a workflow command. Keeps its text on one line, and escapes it so that the runner decodes nothing in it.
annotate() {
    printf '::%s title=%s::%s\n' "$1" "$2" "$(printf '%s' "$3" | tr '\r\n' '  ' | sed 's/%/%25/g')"
}

fatal() {
    annotate error 'nuon-gate not installed' "$1"
    exit 1
}

# Ends the step, and passes this program to the next one.
use() {
    printf 'Using %s (%s).\n' "$1" "$2"
    printf 'bin=%s\nwait=%s\n' "$1" "$wait" >>"$GITHUB_OUTPUT"
    if [ "$wait" = false ]; then printf '%s\n' "${1%/*}" >>"$GITHUB_PATH"; fi
    exit 0
}

# Prints a file's SHA-256. Reads it from stdin, because GNU's sha256sum puts a backslash before the hash for some file names.
hash_of() {
    case $hasher in
        sha256sum) sum=$(sha256sum <"$1") ;;
        shasum) sum=$(shasum -a 256 <"$1") ;;
        certutil) sum=$(certutil -hashfile "$1" SHA256 | sed -n 2p | tr -d ' \r') ;;
    esac
    printf '%s' "${sum%% *}"
}

genuine() {
    [ -f "$1" ] && [ -x "$1" ] && [ "$(hash_of "$1")" = "$program_sum" ]
}

# Downloads $url to $archive with $tool. Plain http is only for this machine, which needs no proxy.
fetch() (
    [ "$scheme" = https ] || unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
    case $tool in
        curl)
            curl --proto "=$scheme" --tlsv1.2 --fail --silent --show-error --location \
                --connect-timeout 10 --max-time 120 --output "$archive" "$url"
            ;;
        wget)
            # Its own option -T crashes some builds of BusyBox.
            set -- wget -q -O "$archive" "$url"
            if command -v timeout >/dev/null 2>&1; then set -- timeout 120 "$@"; fi
            "$@"
            ;;
        *)
            # shellcheck disable=SC2016 # The quoted text is for PowerShell.
            FROM=$url TO=$archive "$tool" -NoProfile -NonInteractive -Command '
                $ErrorActionPreference = "Stop"; $ProgressPreference = "SilentlyContinue"
                [Net.ServicePointManager]::SecurityProtocol = "Tls12"
                Invoke-WebRequest -UseBasicParsing -TimeoutSec 120 -Uri $env:FROM -OutFile $env:TO'
            ;;
    esac
)

# Downloads with the first available tool, in a few attempts; only one from this machine. Sets $trouble if it failed.
download() {
    trouble='the runner has neither curl nor wget nor PowerShell'
    for tool in curl wget pwsh powershell none; do
        command -v "$tool" >/dev/null 2>&1 && break
    done
    [ "$tool" != none ] || return 1
    pauses='0 2 5'
    [ "$scheme" = https ] || pauses=0
    for pause in $pauses; do
        sleep "$pause"
        if fetch 2>trouble.txt; then return 0; else code=$?; fi
    done
    proxy=
    [ "$scheme" = http ] || proxy=${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY:-}}}}
    trouble="$tool ended with $code for $url${proxy:+ through the proxy ${proxy##*@}}: $(tail -n 1 trouble.txt)"
    return 1
}

# Unpacks the program. Uses relative names, because tar takes the C in C:\ for a host name.
unpack() {
    case $archive in
        *.tar.gz) tar -xzf "$archive" "$program" ;;
        *)
            if command -v unzip >/dev/null 2>&1; then
                unzip -q "$archive" "$program"
            else
                powershell -NoProfile -NonInteractive -Command \
                    "Expand-Archive -LiteralPath '$archive' -DestinationPath ."
            fi
            ;;
    esac
}

# Copies the program into the tool cache. Renames it last, because other jobs may read or write it at the same time.
keep() {
    [ -n "$cache" ] && mkdir -p "$cached" && new=$(mktemp "$cached/new.XXXXXX") || return 1
    if cp "$program" "$new" && chmod 755 "$new" && mv -f "$new" "$cached/$program"; then
        : >"$cached.complete"
    else
        rm -f "$new"
        return 1
    fi
}

build() {
    command -v cargo >/dev/null 2>&1 || fatal "$1, and cargo, which would build it from source, is not installed. $ways"
    target_dir=$RUNNER_TEMP/nuon-gate-target
    # Builds in the action's folder, without the settings that the job made for its own builds.
    (
        cd "$GITHUB_ACTION_PATH"
        unset CARGO_BUILD_TARGET CARGO_ENCODED_RUSTFLAGS RUSTFLAGS
        cargo build --release --locked --bin nuon-gate --target-dir "$target_dir"
    ) || fatal "The build from source failed; the log above says why. $ways"
    use "$target_dir/release/$program" 'built from source'
}

case $install_only in
    true | yes | 1) wait=false ;;
    false | no | 0 | '') wait=true ;;
    *) fatal "install-only is true or false, not \`$install_only\`." ;;
esac
if [ "$wait" = false ] && [ "${HAS_COMMAND:-}" = true ]; then
    fatal 'install-only waits for no deploy, so command would never be run: leave out one of them.'
fi
case $method in
    auto | download | source) ;;
    *) fatal "install-method is auto, download or source, not \`$method\`." ;;
esac
case $base/ in
    https://*) scheme=https ;;
    http://localhost[:/]* | http://127.0.0.1[:/]* | 'http://[::1]'[:/]*) scheme=http ;;
    *) fatal 'download-base-url has to begin with https:// (or, on this very machine, with http://127.0.0.1).' ;;
esac
authority=${base#*://}
case ${authority%%/*} in
    *@*) fatal 'download-base-url must not hold a user or a password.' ;;
esac

# Asks uname, not the runner's variables: the job may run in a container.
program=nuon-gate
hashers='sha256sum shasum'
machine=$(uname -m)
case $(uname -s) in
    Linux) system=unknown-linux-musl ;;
    Darwin) system=apple-darwin ;;
    MINGW* | MSYS* | CYGWIN*)
        system=pc-windows-msvc
        program=nuon-gate.exe
        # On other systems this is the name of another program.
        hashers="$hashers certutil"
        # An emulated shell reports the emulated machine.
        case $(uname -s) in *-ARM64) machine=arm64 ;; esac
        ;;
    *) system=$(uname -s) ;;
esac
case $machine in
    x86_64 | amd64) target=x86_64-$system arch=x64 ;;
    aarch64 | arm64) target=aarch64-$system arch=arm64 ;;
    *) target=$machine-$system arch=$machine ;;
esac

if [ -n "$given" ]; then
    case $given in
        *"$newline"*) fatal 'binary-path is more than one line.' ;;
        /* | \\* | ?:*) ;;
        *) given=$PWD/$given ;;
    esac
    [ -f "$given" ] || fatal "binary-path names $given, which is not a file."
    [ -x "$given" ] || fatal "binary-path names $given, which is not executable: make it so with chmod +x."
    use "$given" 'the input binary-path'
fi

version=
while IFS=$(printf '\t') read -r row_version row_target row_archive row_archive_sum row_program_sum; do
    if [ "$row_target" = "$target" ]; then
        version=$row_version archive=$row_archive archive_sum=$row_archive_sum program_sum=$row_program_sum
    fi
done <"$GITHUB_ACTION_PATH/action/manifest.tsv"

case $method:$version in
    download:) fatal "This commit of the action has no released nuon-gate for $target. $ways" ;;
    source:*) why='install-method is source' ;;
    *:) why="this commit of the action has no released nuon-gate for $target" ;;
    *) why= ;;
esac
if [ -n "$why" ]; then
    annotate notice nuon-gate "Building from source, which takes a few minutes, as $why."
    build "nuon-gate has to be built, as $why"
fi

for hasher in $hashers none; do
    command -v "$hasher" >/dev/null 2>&1 && break
done
[ "$hasher" != none ] || fatal "The runner has no tool that computes a SHA-256 (tried: $hashers), so a download cannot be verified. Install one of them, or set binary-path or install-method."

cached=$cache/nuon-gate/$version/$arch
if [ -n "$cache" ] && [ -e "$cached/$program" ]; then
    # An earlier job on a reused runner may have tampered with it.
    if genuine "$cached/$program"; then use "$cached/$program" 'the tool cache'; fi
    annotate warning nuon-gate "$cached/$program is not the released program, and is replaced."
    rm -rf "$cached.complete" "$cached" || true
fi

installed=$(command -v nuon-gate || true)
case $installed in
    /*) if genuine "$installed"; then use "$installed" 'on PATH'; fi ;;
esac

url=$base/v$version/$archive
work=$(mktemp -d "$RUNNER_TEMP/nuon-gate.XXXXXX")
cd "$work"
if download; then
    sum=$(hash_of "$archive") || true
    [ "$sum" = "$archive_sum" ] || fatal "The SHA-256 of $url is $sum, not $archive_sum as this commit of the action says. It is not the released file, and is not used."
    if unpack; then
        sum=$(hash_of "$program") || true
        [ "$sum" = "$program_sum" ] || fatal "The SHA-256 of $program from $url is $sum, not $program_sum as this commit of the action says. It is not the released program, and is not used."
        chmod +x "$program"
        if keep 2>/dev/null; then use "$cached/$program" 'downloaded to the tool cache'; fi
        use "$PWD/$program" downloaded
    fi
    trouble="$archive cannot be unpacked here"
fi
if [ "$method" = download ] || ! command -v cargo >/dev/null 2>&1; then
    fatal "The download failed: $trouble. $ways"
fi
annotate warning nuon-gate "The download failed: $trouble. Building from source instead, which takes a few minutes."
build 'nuon-gate has to be built'
