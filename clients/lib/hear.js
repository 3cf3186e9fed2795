// What to listen for.

/** A closed socket counts five seconds more, and leases are looked at every two. */
export const OFFLINE = 12_000;

export const says = (content) => (message) => message.content === content;

export const about = (person, status) => (presence) => presence.userId === person.id && presence.status === status;

export const contents = (messages) => messages.map((message) => message.content);
