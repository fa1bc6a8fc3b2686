//! The part of the dependency policy (`deny.toml`) that needs no network, and the workspace's own rules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn toml(path: &str) -> toml::Table {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn strings(value: &toml::Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect()
}

/// cargo's metadata of every package that is built on this machine.
fn packages() -> Vec<Value> {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn every_licence_is_allowed() {
    let policy = toml("deny.toml");
    let allowed = strings(&policy["licenses"]["allow"]);
    let allowed: Vec<spdx::LicenseReq> = allowed
        .into_iter()
        .map(|name| spdx::Expression::parse(name).unwrap().requirements().next().unwrap().req.clone())
        .collect();
    let packages = packages();
    assert!(packages.len() > 100, "only {} packages were checked", packages.len());
    for package in packages {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or("none"));
        let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX);
        let expression = expression.unwrap_or_else(|error| panic!("{name}: {licence}: {error}"));
        assert!(expression.evaluate(|wanted| allowed.contains(wanted)), "{name}: {licence} is not allowed");
    }
}

#[test]
fn what_is_released_is_held_to_the_policy() {
    let policy = toml("deny.toml");
    let examined = strings(&policy["graph"]["targets"]);
    let release = std::fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    let built = release.lines().filter_map(|line| line.trim().strip_prefix("- { target: ")?.split_once(','));
    let built: Vec<&str> = built.map(|(target, _)| target).collect();
    assert_eq!(built.len(), 6, "{built:?}");
    assert!(built.iter().all(|target| examined.contains(target)), "{built:?} are not all of {examined:?}");
}

#[test]
fn no_package_needs_a_newer_compiler_than_ours() {
    let version = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap()).collect() };
    let ours = toml("Cargo.toml")["workspace"]["package"]["rust-version"].as_str().unwrap().to_owned();
    for package in packages() {
        if let Some(theirs) = package["rust_version"].as_str() {
            assert!(version(theirs)[..2] <= version(&ours)[..2], "{} needs Rust {theirs}", package["name"]);
        }
    }
}

#[test]
fn every_package_comes_from_the_registry_and_none_is_banned() {
    let lock = toml("Cargo.lock");
    let policy = toml("deny.toml");
    let banned: Vec<&str> =
        policy["bans"]["deny"].as_array().unwrap().iter().map(|ban| ban["name"].as_str().unwrap()).collect();
    assert!(banned.contains(&"openssl"));
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(&name), "{name} is banned");
        match package.get("source").and_then(toml::Value::as_str) {
            Some(source) => assert!(source.starts_with("registry+"), "{name} comes from {source}"),
            None => assert!(name.starts_with("nuon-gate"), "{name} is neither ours nor from the registry"),
        }
    }
}

#[test]
fn only_the_two_reasoned_advisories_are_ignored() {
    let policy = toml("deny.toml");
    let ignored = policy["advisories"]["ignore"].as_array().unwrap();
    let ids: BTreeSet<&str> = ignored.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids, BTreeSet::from(["RUSTSEC-2025-0012", "RUSTSEC-2024-0384"]));
    for entry in ignored {
        assert!(entry["reason"].as_str().unwrap().len() > 40, "{entry:?} needs a reason");
    }
}

/// Every source file of every crate, with its text.
fn sources() -> BTreeMap<String, String> {
    fn collect(folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(&root().join("crates"), &mut found);
    found
}

#[test]
fn one_module_names_the_unmaintained_crate() {
    let naming: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains("use backoff::") || text.contains("ExponentialBackoff"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(naming, ["crates/nuon-gate-core/src/schedule/backoff.rs"]);
}

#[test]
fn one_crate_names_the_http_library() {
    for (name, text) in sources() {
        let naming = ["reqwest::", "hyper_util::", "rustls::"].iter().any(|library| text.contains(library));
        assert!(!naming || name.starts_with("crates/nuon-gate-http/"), "{name} goes a way of its own");
    }
}

#[test]
fn versions_and_lints_are_declared_once() {
    let workspace = toml("Cargo.toml");
    let declared: BTreeSet<String> =
        workspace["workspace"]["dependencies"].as_table().unwrap().keys().cloned().collect();
    let mut used = BTreeSet::new();
    for name in ["nuon-gate", "nuon-gate-core", "nuon-gate-http", "nuon-gate-notify", "nuon-gate-sim"] {
        let manifest = toml(&format!("crates/{name}/Cargo.toml"));
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{name} does not inherit the lints");
        let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
        let places = targets.filter_map(toml::Value::as_table).chain([&manifest]);
        for (place, section) in places.flat_map(|place| ["dependencies", "dev-dependencies"].map(|name| (place, name)))
        {
            for (dependency, how) in place.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
                let inherited = how.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(inherited, "{name} declares a version of {dependency} of its own");
                used.insert(dependency.clone());
            }
        }
    }
    assert_eq!(declared, used, "what is declared and what is used differ");
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
}

#[test]
fn every_direct_dependency_has_a_reason() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let mut reason = false;
    for line in section.lines() {
        match line {
            "" => reason = false,
            comment if comment.starts_with('#') => reason = true,
            entry => {
                assert!(reason || entry.starts_with("nuon-gate"), "`{entry}` has no comment above it");
                reason = false;
            }
        }
    }
}
