/** An error whose message is one sentence a person can read; every other error is told in general words. */
export class Sentence extends Error {}
