"""The controller: stacks that lie in Git, a bucket or a folder are kept on AWS Batch as they say.

It is level-triggered: what a stack is to be is read anew each time, and whatever called for a look (the interval, a
webhook, a person) says nothing but *look*. It calls `Reconciler` and nothing below it. Each module has one matter:

- `configuration`: what the operator says: targets, sources, stacks, who may ask for what.
- `reading`, `checking`: that, from a file.
- `sources`: a fetch gives a `Revision`, a folder that no longer changes; where it fails the last one is kept.
- `targets`: a target gives its `Reconciler`, or what is wrong with it.
- `windows`: when an apply may begin. Pure.
- `workqueue`: which stack is due, and which is in work; one run a stack at a time, the newest revision wins. Pure.
- `modes`: what is to be done about a plan: nothing, tell, wait for somebody, wait for a window, apply. Pure.
- `conditions`: which conditions there are, and with which reasons: a table. Pure.
- `status`: what is known of a stack: conditions, revisions, inventory. Pure.
- `findings`: what a plan, a report or an error makes of that. Pure.
- `rounds`: one look at one stack, from its revision to its status.
- `loop`: the coordinator, which owns all state; workers do rounds, and nothing else. `agenda` is what it has, and what
  of that is due; `flight` what workers are at; `outcomes` what an answer or a word makes of it; `notes` what the store
  is yet to be told.
- `succession`: what whoever comes to lead takes over.
- `yielding`: when a run may be ended by what is newer. Pure.
- `running`, `front`: a controller put together; its loop, as a `Desk`. `reloading`: that again, where the configuration
  is another.
- `leader`: one controller at a time, and a fence before each call that changes something.
- `hooks`, `web`: what comes in by HTTP; the loop is all that they know, as a `Desk` (`desk`). `tokens` says who may ask
  for what, `openapi` is the API as a table, `showing` what it shows, `guard` what every request meets first, `serving`
  the socket; `rates` and `reread` are tools of these.
- `logs`: what is told as it goes, a line of JSON each.

A target, its policy and its role are the configuration's: a manifest that claims others, or is of another stack, is
refused. Nothing that a repository holds is run, and nothing that it says is believed beyond its manifest.
"""
