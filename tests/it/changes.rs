//! What the actor changed is what the critic sees, however it was done; what is the user's stays.

use crate::scripts::{APPROVES, approved};
use crate::{scripted, workspace};

/// The critic's prompt of the first round.
fn judged(actor: &str) -> String {
    let place = workspace();
    place.write("old.txt", "old\n");
    place.commit_all("second");
    judged_in(&place, actor)
}

fn judged_in(place: &codeloops_tests::Workspace, actor: &str) -> String {
    place.script(&format!("on actor\n{actor}\n{APPROVES}save-prompt ../judged\n"));
    let _ran = place.task(&[]).exits(0);
    std::fs::read_to_string(place.at("judged")).unwrap()
}

#[test]
fn the_critic_is_told_everything_it_needs() {
    let prompt = judged("edit old.txt new\nprint I replaced it.");
    insta::with_settings!({filters => vec![(r"run \w{26}, commit \w{40}", "run [RUN], commit [COMMIT]")]}, {
        insta::assert_snapshot!(prompt);
    });
}

#[test]
fn what_the_actor_committed_is_judged() {
    let prompt = judged("edit new.txt brand-new\nrun git add new.txt && git commit -qm done");
    assert!(prompt.contains("+brand-new"), "{prompt}");
}

#[test]
fn what_the_actor_added_or_staged_is_judged() {
    let prompt =
        judged("edit staged.txt stage-text\nrun git add staged.txt\nedit loose.txt loose-text");
    assert!(prompt.contains("+stage-text") && prompt.contains("+loose-text"), "{prompt}");
}

#[test]
fn a_commit_that_the_actor_took_away_is_judged_as_a_loss() {
    let prompt = judged("run git reset --quiet --hard HEAD~1");
    assert!(prompt.contains("deleted file") && prompt.contains("-old"), "{prompt}");
}

#[test]
fn an_actor_that_changed_nothing_is_judged_as_such() {
    let prompt = judged("print I am done, everything works.");
    assert!(prompt.contains("(nothing changed)"), "{prompt}");
}

#[test]
fn a_file_that_git_ignores_is_not_part_of_the_changes() {
    let place = workspace();
    place.write(".gitignore", "*.log\n");
    place.commit_all("ignore logs");
    let prompt = judged_in(&place, "edit build.log noise\nedit a.txt signal");
    assert!(prompt.contains("+signal") && !prompt.contains("noise"), "{prompt}");
}

#[test]
fn the_users_own_dirty_and_staged_work_is_neither_touched_nor_blamed_on_the_actor() {
    let place = workspace();
    place.write("staged.txt", "one\n");
    place.write("dirty.txt", "one\n");
    place.commit_all("before");
    place.write("staged.txt", "staged by the user\n");
    place.git(&["add", "staged.txt"]);
    place.write("dirty.txt", "dirtied by the user\n");
    place.write("loose.txt", "left by the user\n");
    let before = (place.git(&["status", "--porcelain"]), place.git(&["diff", "--cached"]));
    let prompt = judged_in(&place, "edit theirs.txt by-the-actor");
    assert!(prompt.contains("+by-the-actor") && !prompt.contains("by the user"), "{prompt}");
    assert_eq!(place.git(&["diff", "--cached"]), before.1);
    assert_eq!(place.git(&["status", "--porcelain"]), before.0 + "?? theirs.txt\n");
    assert_eq!(place.read("dirty.txt"), "dirtied by the user\n");
    assert_eq!(place.git(&["stash", "list"]), "");
}

#[test]
fn odd_file_names_are_judged_and_recorded() {
    let place = scripted(&approved(
        "run printf x > \"$(printf 'a\\nb')\" && printf x > 'é \"q\".txt' && printf x > \"$(printf '\\377.bin')\"",
    ));
    let _ran = place.task(&[]).exits(0);
    assert_eq!(place.session().iterations[0].git_files_changed, 3);
}

#[test]
fn a_huge_change_is_cut_for_the_critic_and_whole_in_the_evidence() {
    let place = workspace();
    let prompt = judged_in(
        &place,
        "run yes 'a line of ñandú' | head -c 3000000 > big.txt\nedit z.txt small",
    );
    assert!(prompt.len() < 400_000, "{}", prompt.len());
    assert!(prompt.contains("+small"), "the small file is shown whole beside the huge one");
    assert!(prompt.contains("iterations/1/diff.patch"), "where the whole of it is");
    let diff = &place.session().iterations[0].git_diff;
    assert!(diff.len() < 1_100_000 && diff.contains("bytes omitted"), "{}", diff.len());
    let patch = std::fs::read_to_string(place.evidence("iterations/1/diff.patch")).unwrap();
    assert!(patch.len() > 3_000_000, "{}", patch.len());
}

#[test]
fn binary_files_modes_and_links_are_told() {
    let place = workspace();
    place.write("tool.sh", "#!/bin/sh\n");
    place.commit_all("a tool");
    let prompt = judged_in(
        &place,
        "run chmod +x tool.sh\nrun ln -s tool.sh link\nrun printf 'a\\000b' > data.bin",
    );
    for told in ["new mode 100755", "new file mode 120000", "data.bin"] {
        assert!(prompt.contains(told), "{told}: {prompt}");
    }
    assert!(!prompt.contains('\0'), "{prompt:?}");
}
