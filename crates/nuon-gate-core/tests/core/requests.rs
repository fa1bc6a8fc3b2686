//! The client's requests, and how it reads "not found".

use nuon_gate_core::api::{Depth, ErrorClass, Fact, Request, Runs};
use nuon_gate_core::{BranchPlace, Labels};
use serde_json::json;

use crate::client::{PATIENT, deploy, latest, latest_in, stats_of};
use crate::sockets::{End, answer, client_of, ids, raw};

fn labels() -> Labels {
    Labels::new(vec!["tier=1".parse().unwrap(), "env=prod".parse().unwrap()]).unwrap()
}

fn branch() -> BranchPlace {
    BranchPlace { app: "app1".parse().unwrap(), branch: "apb1".parse().unwrap() }
}

/// All other requests, and their paths.
fn others() -> Vec<(Request, &'static str)> {
    let (install, component) = ids("inl1", "cmp1");
    let workflow: nuon_gate_core::WorkflowId = "inw1".parse().unwrap();
    let log: nuon_gate_core::LogStreamId = "log1".parse().unwrap();
    let hundred = Request::LatestDeploy(install.clone(), component.clone(), Depth::Page);
    vec![
        (hundred, "GET /v1/installs/inl1/components/cmp1/deploys/latest?limit=100"),
        (
            Request::Deploys(install.clone(), component.clone()),
            "GET /v1/installs/inl1/components/cmp1/deploys?limit=100",
        ),
        (
            Request::Earlier(install.clone(), component.clone()),
            "GET /v1/installs/inl1/components/cmp1/deploys?limit=20",
        ),
        (deploy("dpl1"), "GET /v1/installs/inl1/deploys/dpl1"),
        (
            Request::Deploy(install.clone(), Some(component.clone()), "dpl1".parse().unwrap()),
            "GET /v1/installs/inl1/deploys/dpl1",
        ),
        (Request::Workflow(None, workflow.clone()), "GET /v1/workflows/inw1"),
        (Request::Workflow(Some(install.clone()), workflow.clone()), "GET /v1/workflows/inw1"),
        (Request::Install(install.clone()), "GET /v1/installs/inl1"),
        (Request::Installs(1), "GET /v1/installs?limit=100"),
        (Request::Installs(3), "GET /v1/installs?limit=100&page=3"),
        (Request::QueuePosition(workflow.clone()), "GET /v1/workflows/inw1/queue-position"),
        (Request::Apps(1), "GET /v1/apps?limit=100"),
        (Request::Branches("app1".parse().unwrap(), 2), "GET /v1/apps/app1/branches?limit=100&page=2"),
        (Request::Runs(branch(), Runs::All, 1), "GET /v1/apps/app1/branches/apb1/runs?limit=100"),
        (Request::Runs(branch(), Runs::Deploying, 1), "GET /v1/apps/app1/branches/apb1/runs?limit=100&planonly=false"),
        (Request::Run(branch(), "abr1".parse().unwrap()), "GET /v1/apps/app1/branches/apb1/runs/abr1"),
        (
            Request::GroupRuns(branch(), "abr1".parse().unwrap(), 1),
            "GET /v1/apps/app1/branches/apb1/runs/abr1/install-group-runs?limit=100",
        ),
        (Request::NamedInstalls("acme & co".parse().unwrap(), 1), "GET /v1/installs?limit=100&q=acme+%26+co"),
        (Request::NamedInstalls(install.clone(), 2), "GET /v1/installs?limit=100&page=2&q=inl1"),
        (Request::LabelledInstalls(labels(), 1), "GET /v1/installs?limit=100&labels=env%3Aprod%2Ctier%3A1"),
        (Request::LabelledInstalls(labels(), 2), "GET /v1/installs?limit=100&page=2&labels=env%3Aprod%2Ctier%3A1"),
        (Request::InstallComponents(install.clone(), 1), "GET /v1/installs/inl1/components?limit=100"),
        (Request::InstallComponents(install.clone(), 2), "GET /v1/installs/inl1/components?limit=100&page=2"),
        (Request::InstallComponent(install.clone(), component.clone()), "GET /v1/installs/inl1/components/cmp1"),
        (Request::Health(install.clone(), component.clone()), "GET /v1/installs/inl1/components/cmp1"),
        (
            Request::Resources(install.clone(), component.clone(), "inc1".parse().unwrap(), 1),
            "GET /v1/installs/inl1/resources?install_component_id=inc1&limit=100",
        ),
        (
            Request::Resources(install, component, "inc1".parse().unwrap(), 2),
            "GET /v1/installs/inl1/resources?install_component_id=inc1&limit=100&page=2",
        ),
        (Request::Dashboard("org1".parse().unwrap()), "GET /v1/general/cli-config"),
        (Request::Logs(log.clone(), None), "GET /v1/log-streams/log1/logs?order=desc"),
        (Request::Logs(log, Some(7)), "GET /v1/log-streams/log1/logs?order=desc"),
        (Request::Await(workflow.clone(), "iws1".parse().unwrap()), "GET /v1/workflows/inw1/steps/iws1/await"),
        (Request::Cancel(workflow), "POST /v1/workflows/inw1/cancel"),
    ]
}

/// An error in the server's own shape.
fn said(head: &str, error: &str) -> Vec<u8> {
    answer(&format!("{head}\r\nX-Nuon-API-Version: v1"), &json!({ "error": error }).to_string())
}

#[tokio::test]
async fn each_request_has_its_path() {
    let (url, heads) = raw(answer("200 OK", "{}"), End::Close).await;
    let client = client_of(&format!("{url}/base/"), PATIENT);
    for (request, line) in others() {
        let _ = client.request(&request).await;
        let head = heads.lock().unwrap().pop().unwrap().to_lowercase();
        let expected = line.to_lowercase().replacen(" /", " /base/", 1) + " http/1.1";
        assert_eq!(head.lines().next(), Some(expected.as_str()));
        let offset = head.lines().find_map(|line| line.strip_prefix("x-nuon-api-offset: "));
        assert_eq!(offset, matches!(request, Request::Logs(_, Some(_))).then_some("7"), "{line}");
    }
}

#[tokio::test]
async fn an_id_cannot_leave_its_place_in_the_path() {
    let (url, heads) = raw(said("404 Not Found", "none"), End::Close).await;
    let client = client_of(&url, PATIENT);
    let hostile = ["a?b=c", "a#b", "a%2fb", "a b", "ünser", "a;b", "a&token=x", "*", "%2e%2e", "..."];
    for id in hostile {
        let answer = client.request(&latest_in(id)).await.unwrap();
        assert!(matches!(answer.fact, Fact::Latest(None)), "{answer:?}");
    }
    let place = |head: &String| {
        let rest = head.strip_prefix("GET /v1/installs/").unwrap().lines().next().unwrap();
        rest.strip_suffix("/components/cmp1/deploys/latest HTTP/1.1").unwrap().to_owned()
    };
    let sent: Vec<String> = heads.lock().unwrap().iter().map(place).collect();
    let expected = ["a%3Fb=c", "a%23b", "a%252fb", "a%20b", "%C3%BCnser", "a;b", "a&token=x", "*", "%252e%252e", "..."];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn not_yet_is_an_answer_only_about_deploys_and_queues() {
    let (url, _) = raw(said("404 X", "record not found"), End::Close).await;
    let client = client_of(&url, PATIENT);
    assert_eq!(latest(&client).await, Ok(None));
    let mut errors = 0;
    for (request, line) in others() {
        match client.request(&request).await {
            Ok(answer) if matches!(request, Request::LatestDeploy(..)) => {
                assert!(matches!(answer.fact, Fact::Latest(None)), "{line}");
            }
            Ok(answer) if matches!(request, Request::Deploys(..) | Request::Earlier(..)) => {
                assert!(matches!(&answer.fact, Fact::Deploys(rows) if rows.is_empty()), "{line}");
            }
            Ok(answer) if matches!(request, Request::QueuePosition(_)) => {
                assert!(matches!(answer.fact, Fact::Queue(None)), "{line}");
            }
            Ok(answer) => panic!("{line}: {answer:?}"),
            Err(error) => {
                errors += 1;
                assert_eq!(error.class(), ErrorClass::Missing, "{line}");
                assert_eq!(error.to_string(), "HTTP 404: record not found");
            }
        }
    }
    let asked = others().len() as u64;
    let counted = stats_of(&client.clone());
    assert_eq!(
        (counted.requests, counted.errors),
        (asked + 1, errors - 1),
        "clones share their statistics, and a long poll is no error"
    );
    assert_eq!(errors, asked - 4);
}

#[tokio::test]
async fn a_404_that_is_not_the_servers_is_no_answer() {
    for (head, body) in [("404 X", ""), ("404 X", "<html>nginx</html>"), ("404 X\r\nX-Nuon-API-Version: v1", "")] {
        let (url, _) = raw(answer(head, body), End::Close).await;
        let client = client_of(&url, PATIENT);
        assert_eq!(latest(&client).await.unwrap_err().class(), ErrorClass::Foreign, "{head} {body}");
        let counted = client.stats();
        assert_eq!((counted.requests, counted.errors), (1, 1));
    }
}

/// The body differs between versions and is ignored, so it is not even read.
#[tokio::test]
async fn cancelling_is_accepted_whatever_the_body_says() {
    let request = Request::Cancel("inw1".parse().unwrap());
    for (head, body) in [
        ("202 Accepted", "truetrue"),
        ("202 Accepted\r\nContent-Encoding: gzip", "\u{1f}"),
        ("204 No Content", ""),
        ("200 OK", "<html>"),
    ] {
        let (url, _) = raw(answer(head, body), End::Close).await;
        let answer = client_of(&url, PATIENT).request(&request).await;
        assert!(answer.is_ok_and(|answer| matches!(answer.fact, Fact::Cancelling)), "{head}");
    }
    for (code, class) in [(302, ErrorClass::Transient), (400, ErrorClass::Refused), (500, ErrorClass::Transient)] {
        let (url, _) = raw(said(&format!("{code} X"), "workflow is not cancelable"), End::Close).await;
        let answer = client_of(&url, PATIENT).request(&request).await;
        assert_eq!(answer.map(drop).map_err(|error| error.class()), Err(class), "{code}");
    }
}
