// How many pictures are in memory while 500 go through, `concurrency` 2: from the source's first touch to the
// consumer's last, and inside real gulp.
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import gulp from 'gulp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type Vinyl from 'vinyl';
import { denoise } from '#src/plugin/gulp.js';
import { identityDenoiser } from '../identity-denoiser.js';
import { noisyPicture, vinyl, withFolder } from '../pictures.js';

const COUNT = 500;
const numbered = Array.from({ length: COUNT }, (_, index) => `${String(index).padStart(3, '0')}.png`);

for (const consumerMs of [0, 2])
  test(`500 pictures, at most 4 between source and consumer (${consumerMs} ms each)`, async () => {
    const bytes = await noisyPicture('png', { width: 16, height: 8 });
    const names: string[] = [];
    let [made, most] = [0, 0];
    const note = () => {
      most = Math.max(most, made - names.length);
    };
    function* files() {
      for (const name of numbered) {
        made++;
        note();
        yield vinyl(name, Buffer.from(bytes));
      }
    }
    const consumer = new Writable({
      objectMode: true,
      highWaterMark: 1,
      async write(file: Vinyl, _encoding, done) {
        if (consumerMs > 0) await delay(consumerMs);
        note();
        names.push(file.basename);
        done();
      },
    });
    const step = denoise({ sigma: 25, concurrency: 2, denoiser: identityDenoiser((width) => width % 3) });
    await pipeline(Readable.from(files()), step, consumer);
    assert.equal(names, numbered);
    assert.ok(most <= 4, `${most} in memory`);
  });

test('500 pictures through real gulp, at most 4 in the step, in order', () =>
  withFolder(async (folder) => {
    const [input, out] = [join(folder, 'in'), join(folder, 'out')];
    await mkdir(input);
    await writeFile(join(input, '000.png'), await noisyPicture('png', { width: 16, height: 8 }));
    for (const name of numbered.slice(1)) await copyFile(join(input, '000.png'), join(input, name));
    const step = denoise({ sigma: 25, concurrency: 2, denoiser: identityDenoiser(() => 1) });
    const last = gulp.dest(out);
    let [went, most] = [0, 0];
    const names: string[] = [];
    // Counted where files are handed over, which changes nothing about who waits for whom.
    counted(step, () => {
      most = Math.max(most, ++went - names.length);
    });
    counted(last, (file) => names.push(file.basename));
    gulp.src('*.png', { cwd: input, encoding: false }).pipe(step).pipe(last).resume();
    await new Promise((resolve, reject) => last.on('end', resolve).on('error', reject));
    assert.equal(names, (await readdir(input)).sort());
    assert.equal((await readdir(out)).sort(), numbered);
    assert.ok(most <= 4, `${most} in the step`);
  }));

function counted(stream: NodeJS.ReadWriteStream, note: (file: Vinyl) => void): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    note(args[0] as Vinyl);
    return write(...args);
  };
}

test.run();
