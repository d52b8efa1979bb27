// A terminal of our own making: what is written to it, as text.
import { Writable } from 'node:stream';

export class FakeTerminal extends Writable {
  text = '';
  readonly rows = 30;
  constructor(
    readonly isTTY: boolean,
    readonly columns = 100,
  ) {
    super({ decodeStrings: false });
  }
  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    done();
  }
  cursorTo = () => true;
  clearLine = () => true;
  moveCursor = () => true;
}
