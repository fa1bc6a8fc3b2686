//! The step that installs the program.

use std::os::unix::fs::PermissionsExt;

use crate::closed::Closed;
use crate::{Job, PROGRAM, Release, SECRET, another, find, hasher, write_program};

#[test]
fn a_release_is_downloaded_verified_and_kept() {
    let tools = ["curl", "wget"].into_iter().filter(|tool| find(tool).is_some());
    for tool in tools.inspect(|tool| println!("with {tool}")) {
        let release = Release::new();
        // Local addresses do not use a proxy.
        let job = Job::new(&[hasher(), tool]).of(&release).env("http_proxy", "http://127.0.0.1:9");
        let used = job.run().used(&job.cached());
        assert!(!used.log.contains("::"), "nothing is worth an annotation:\n{}", used.log);
        assert!(job.path(&format!("tools/nuon-gate/{}/x64.complete", env!("CARGO_PKG_VERSION"))).exists());
        let requests = release.server.requests();
        assert_eq!(requests.len(), 1);
        let head = requests[0].to_ascii_lowercase();
        assert!(!head.contains(SECRET) && !head.contains("authorization") && !head.contains("cookie"), "{head}");

        // The second use finds it there.
        job.run().used(&job.cached()).says("the tool cache");
        assert_eq!(release.server.requests().len(), 1);
    }
}

#[test]
fn a_poisoned_tool_cache_is_found_out() {
    let release = Release::new();
    let job = Job::new(&[hasher(), "curl"]).of(&release).with_cargo();
    for poison in ["#!/bin/sh\necho stand-in wait\n: evil\n", ""] {
        write_program(&job.cached(), poison);
        job.run().used(&job.cached()).says("::warning title=nuon-gate::").says("is not the released program");
    }
    assert_eq!(release.server.requests().len(), 2);
    assert_eq!(std::fs::read_to_string(job.cached()).unwrap(), PROGRAM);

    // A warning before the build, and an error after it, that there was nothing better.
    let job = Job::new(&[hasher(), "curl"]).of(&Release::lost());
    write_program(&job.cached(), "#!/bin/sh\n");
    job.run().refused("The download failed");
    assert!(!job.cached().exists());
}

#[test]
fn without_a_tool_cache_the_program_stays_in_the_runners_own_folder() {
    let job = Job::new(&[hasher(), "curl"]).of(&Release::new());
    let file = job.path("file");
    std::fs::write(&file, "").unwrap();
    for cache in [file.to_str().unwrap(), ""] {
        let job = Job::new(&[hasher(), "curl"]).of(&Release::new()).env("RUNNER_TOOL_CACHE", cache);
        let bin = job.run().exits(0).says("stand-in wait\n").bin.unwrap();
        assert!(bin.starts_with(job.path("temp")), "{}", bin.display());
    }
}

#[test]
fn jobs_that_share_a_tool_cache_do_not_disturb_each_other() {
    let release = Release::new();
    let jobs: Vec<Job> = (0..4).map(|_| Job::new(&[hasher(), "curl"]).of(&release)).collect();
    let cache = jobs[0].text("tools");
    let jobs: Vec<Job> = jobs.into_iter().map(|job| job.env("RUNNER_TOOL_CACHE", &cache)).collect();
    let cached = jobs[0].cached();
    std::thread::scope(|scope| {
        for job in &jobs {
            scope.spawn(|| job.run().used(&cached));
        }
    });
    let names: Vec<_> =
        std::fs::read_dir(cached.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names, [cached]);
}

#[test]
fn a_program_on_path_is_used_only_if_it_is_the_released_one() {
    let release = Release::new();
    let job = Job::new(&[hasher(), "curl"]).of(&release);
    write_program(&job.path("bin/nuon-gate"), "#!/bin/sh\necho another\n");
    job.run().used(&job.cached());
    assert_eq!(release.server.requests().len(), 1);

    let job = Job::new(&[hasher()]).of(&release);
    write_program(&job.path("bin/nuon-gate"), PROGRAM);
    job.run().used(&job.path("bin/nuon-gate")).says("on PATH");
    assert_eq!(release.server.requests().len(), 1);
}

#[test]
fn a_wrong_hash_is_fatal_and_never_becomes_a_build() {
    let archive = Release::with(|manifest, content| {
        content.push(0);
        manifest
    });
    let program = Release::with(|manifest, _| {
        let hash = manifest.trim_end().rsplit('\t').next().unwrap();
        manifest.replace(hash, &another(hash))
    });
    for (release, what) in [(archive, "It is not the released file"), (program, "It is not the released program")] {
        let job = Job::new(&[hasher(), "curl"]).of(&release).with_cargo();
        job.run().refused(what);
        assert_eq!(job.built(), None);
        assert!(!job.cached().exists());
    }
}

#[test]
fn a_machine_that_cannot_hash_gets_nothing() {
    let release = Release::new();
    let job = Job::new(&["curl"]).of(&release).with_cargo();
    // On Unix, a program of this name does something else.
    write_program(&job.path("bin/certutil"), "#!/bin/sh\necho 0\n");
    write_program(&job.cached(), PROGRAM);
    job.run().refused("sha256sum shasum");
    assert_eq!((job.built(), release.server.requests().len()), (None, 0));
}

#[test]
fn a_download_that_fails_becomes_a_build_or_one_error_with_the_ways_out() {
    let lost = Release::lost();
    let job = Job::new(&[hasher(), "curl"]).of(&lost).with_cargo();
    let used = job.run().used(&job.path("temp/nuon-gate-target/release/nuon-gate"));
    used.says("::warning title=nuon-gate::The download failed: curl ended with 22").says("404");
    assert!(job.built().is_some());

    let job = Job::new(&[hasher(), "curl"]).of(&lost).with_cargo().input("install-method", "download");
    job.run().refused("The download failed");
    assert_eq!(job.built(), None);

    let closed = Closed::new();
    let job = Job::new(&[hasher(), "curl"]).of(&lost).input("download-base-url", &format!("http://{closed}/50%/"));
    let used = job.run().refused(&format!("curl ended with 7 for http://{closed}/50%25/v"));
    used.says("binary-path").says("download-base-url").says("install-method: source");

    let job = Job::new(&[hasher()]).of(&lost);
    job.run().refused("the runner has neither curl nor wget nor PowerShell");
}

#[test]
fn what_cannot_be_unpacked_counts_as_a_failed_download() {
    let release = Release::new();
    let job = Job::new(&[hasher(), "curl"]).of(&release).with_cargo();
    std::fs::remove_file(job.path("bin/tar")).unwrap();
    job.run().used(&job.path("temp/nuon-gate-target/release/nuon-gate")).says("cannot be unpacked here");
}

#[test]
fn what_is_not_released_is_built_from_the_actions_own_checkout() {
    let release = Release::new();
    let unreleased = Job::new(&[]).with_cargo();
    let elsewhere = Job::new(&[]).of(&release).with_cargo().on("Linux", "riscv64");
    let asked = Job::new(&[]).of(&release).with_cargo().input("install-method", "source");
    for job in [unreleased, elsewhere, asked] {
        let job = job.env("RUSTFLAGS", "-D warnings").env("CARGO_BUILD_TARGET", "wasm32-unknown-unknown");
        let used = job.run().used(&job.path("temp/nuon-gate-target/release/nuon-gate"));
        used.says("::notice title=nuon-gate::Building from source");
        let built = job.built().unwrap();
        assert_eq!(built.lines().next(), Some(&*job.text("action")));
        assert!(built.contains("build --release --locked --bin nuon-gate --target-dir"), "{built}");
        for foreign in [SECRET, "RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            assert!(!built.contains(foreign), "{foreign} reaches the build:\n{built}");
        }
    }
    assert_eq!(release.server.requests().len(), 0);

    Job::new(&[]).run().refused("cargo, which would build it from source, is not installed");
    let job = Job::new(&[]).with_cargo().input("install-method", "download");
    job.run().refused("This commit of the action has no released nuon-gate for");
}

#[test]
fn every_platform_finds_its_own_row() {
    let platforms = [
        ("Linux", "x86_64", "x86_64-unknown-linux-musl"),
        ("Linux", "aarch64", "aarch64-unknown-linux-musl"),
        ("Darwin", "x86_64", "x86_64-apple-darwin"),
        ("Darwin", "arm64", "aarch64-apple-darwin"),
        ("MINGW64_NT-10.0-26100", "x86_64", "x86_64-pc-windows-msvc"),
        ("MINGW64_NT-10.0-26100-ARM64", "x86_64", "aarch64-pc-windows-msvc"),
        ("FreeBSD", "amd64", "x86_64-FreeBSD"),
    ];
    for (system, machine, target) in platforms {
        let job = Job::new(&[]).on(system, machine).input("install-method", "download");
        job.run().refused(&format!("no released nuon-gate for {target}. "));
    }
}

#[test]
fn a_given_binary_is_used_and_nothing_else() {
    let release = Release::new();
    let job = Job::new(&[hasher(), "curl"]).of(&release).with_cargo();
    write_program(&job.path("work/my tools/gate"), PROGRAM);
    let job = job.input("binary-path", "my tools/gate");
    job.run().used(&job.path("work/my tools/gate"));
    std::fs::set_permissions(job.path("work/my tools/gate"), PermissionsExt::from_mode(0o644)).unwrap();
    job.run().refused("is not executable");

    let job = job.input("binary-path", "/no/such\n::add-mask::x");
    let used = job.run().refused("binary-path is more than one line");
    assert!(!used.log.contains("\n::add-mask"), "{}", used.log);
    let job = job.input("binary-path", "/no/such%0A::warning::x");
    job.run().refused("binary-path names /no/such%250A::warning::x, which is not a file");
    assert_eq!((job.built(), release.server.requests().len()), (None, 0));
}

#[test]
fn bad_inputs_are_refused() {
    let job = || Job::new(&[hasher(), "curl"]).of(&Release::new()).with_cargo();
    job().input("install-method", "docker\r\n::x").run().refused("not `docker  ::x`");
    for url in
        ["http://mirror.example/", "ftp://127.0.0.1/", "http://127.0.0.1.mirror.example/", "mirror", "file:///tmp"]
    {
        job().input("download-base-url", url).run().refused("has to begin with https://");
    }
    for url in ["https://user:word@mirror.example/x", "http://127.0.0.1:80@mirror.example/", "http://localhost:x@y"] {
        job().input("download-base-url", url).run().refused("must not hold a user or a password");
    }
}
