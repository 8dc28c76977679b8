// What grows at its end and is read from there: one question at a time, so no piece is missing and none comes twice.

export interface Piece {
  text: string;
  next: number; // where the following piece begins
}

export class Followed {
  #at = 0;
  #asks = false;
  #again = false;
  readonly #ask: (at: number) => Promise<Piece>;
  readonly #hear: (text: string) => void;

  constructor(ask: (at: number) => Promise<Piece>, hear: (text: string) => void) {
    this.#ask = ask;
    this.#hear = hear;
  }

  /** Reads on to where nothing more is.  Called meanwhile, it looks once more. */
  async look(): Promise<void> {
    this.#again = true;
    if (this.#asks) return;
    this.#asks = true;
    try {
      while (this.#again) {
        this.#again = false;
        const { text, next } = await this.#ask(this.#at);
        if (next === this.#at) continue;
        this.#at = next;
        this.#again = true;
        this.#hear(text);
      }
    } catch {
      // nobody answers: whoever hears of more looks again
    } finally {
      this.#asks = false;
    }
  }
}
