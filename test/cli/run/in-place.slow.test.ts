// In place: an interrupted run goes on, an original is never lost, and a link never leads out of the inputs.
import {
  chmod,
  chown,
  copyFile,
  link,
  mkdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { replaceOriginal } from '#src/cli/run/in-place.js';
import { fixtureFolder } from '../../core/fixture.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command, filesBelow } from '../command.js';

const FAST = ['--sigma', '25', '--prior', fixtureFolder('conditioned'), '--engine', 'onnx', '--threads', '1'];
const IN_PLACE = ['--in-place', ...FAST, '--backup'];

/** Makes the pictures; returns their bytes. */
async function pictures(cwd: string, names: readonly string[]): Promise<Map<string, Buffer>> {
  const made = new Map<string, Buffer>();
  for (const [seed, name] of names.entries()) {
    await mkdir(join(cwd, name, '..'), { recursive: true });
    made.set(name, await noisyPicture('png', { seed: seed + 1 }));
    await writeFile(join(cwd, name), made.get(name) ?? '');
  }
  return made;
}

/** Every original lies under its backup's name, and a result under its own. */
async function checkDone(cwd: string, originals: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [name, bytes] of originals) {
    assert.equal(await readFile(join(cwd, `${name}.orig`)), bytes, `${name}.orig`);
    assert.not.equal(await readFile(join(cwd, name)), bytes, name);
  }
}

test('a run goes on where it was stopped, in every state that it can be stopped in', () =>
  withFolder(async (cwd) => {
    const names = ['in/linked.png', 'in/copied.png', 'in/new.png', 'in/done.png'];
    const originals = await pictures(cwd, names);
    assert.is((await command(['in/done.png', ...IN_PLACE], { cwd })).code, 0);
    const done = await readFile(join(cwd, 'in/done.png'));
    // Stopped between the backup and the result: a second name, or a copy where there are none.
    await link(join(cwd, 'in/linked.png'), join(cwd, 'in/linked.png.orig'));
    await copyFile(join(cwd, 'in/copied.png'), join(cwd, 'in/copied.png.orig'));
    const dry = await command(['in', '--dry-run', ...IN_PLACE], { cwd });
    assert.match(dry.stdout, /^in\/done\.png {2}left: denoised before; its original is in\/done\.png\.orig/m);
    const { code, stdout, stderr } = await command(['in', '--json', ...IN_PLACE], { cwd });
    assert.is(code, 0, stderr);
    assert.match(stderr, /in\/done\.png {2}left: denoised before/);
    assert.match(stdout, '{"input":"in/done.png","output":"in/done.png","skipped":"denoised before"');
    assert.match(stderr, '3 of 3 done');
    await checkDone(cwd, originals);
    assert.equal(await readFile(join(cwd, 'in/done.png')), done);
    const all = await Promise.all(names.map((name) => readFile(join(cwd, name))));
    assert.is((await command(['in', ...IN_PLACE], { cwd })).code, 0);
    assert.equal(await Promise.all(names.map((name) => readFile(join(cwd, name)))), all);
  }));

test("the original's owner and permissions are kept", async () => {
  if (process.getuid?.() !== 0) {
    console.log('\nSKIP the owner of a replaced file: only root may give a file away');
    return;
  }
  await withFolder(async (cwd) => {
    await pictures(cwd, ['a.png']);
    const path = join(cwd, 'a.png');
    await chown(path, 1000, 1001);
    await chmod(path, 0o2660);
    const before = await stat(path);
    const { code, stderr } = await command(['a.png', ...IN_PLACE], { cwd });
    assert.is(code, 0, stderr);
    const { ino, uid, gid, mode } = await stat(path);
    assert.not.equal(ino, before.ino);
    assert.equal([uid, gid, mode], [1000, 1001, before.mode]);
  });
});

test('killed again and again, it ends with every picture denoised once and every original kept', () =>
  withFolder(async (cwd) => {
    const originals = await pictures(cwd, ['in/a.png', 'in/b.png', 'in/c.png', 'in/d.png', 'in/e.png']);
    let kills = 0;
    for (let round = 0; round < 6; round++) {
      const { signal } = await command(['in', '--json', '--concurrency', '1', ...IN_PLACE], {
        cwd,
        during: (child) => {
          child.stdout?.on('data', (text: Buffer) => {
            if (text.includes('"report"')) setTimeout(() => child.kill('SIGKILL'), 3 * round);
          });
        },
      });
      if (signal === 'SIGKILL') kills++;
      for (const [name, bytes] of originals) {
        const [now, kept] = await Promise.all(
          [name, `${name}.orig`].map((each) => readFile(join(cwd, each)).catch(() => undefined)),
        );
        assert.ok(now !== undefined && now.length > 0, `${name} is there`);
        assert.equal(kept ?? now, bytes, name);
      }
    }
    assert.ok(kills > 0, 'it was killed');
    const { code, stderr } = await command(['in', ...IN_PLACE], { cwd });
    assert.is(code, 0, stderr);
    await checkDone(cwd, originals);
  }));

test('a backup is never replaced, whatever it is; the others are done', () =>
  withFolder(async (cwd) => {
    const originals = await pictures(cwd, ['in/a.png', 'in/b.png', 'in/c.png']);
    await writeFile(join(cwd, 'in/a.png.orig'), 'something else');
    await symlink('c.png', join(cwd, 'in/c.png.orig'));
    const { code, stderr } = await command(['in', ...IN_PLACE], { cwd });
    assert.is(code, 1, stderr);
    assert.match(
      stderr,
      /^flow-denoise: in\/a\.png: its backup in\/a\.png\.orig already exists and is not its original/m,
    );
    assert.match(stderr, /^flow-denoise: in\/c\.png: its backup/m);
    assert.is(await readFile(join(cwd, 'in/a.png.orig'), 'utf8'), 'something else');
    assert.is(await readlink(join(cwd, 'in/c.png.orig')), 'c.png');
    for (const name of ['in/a.png', 'in/c.png'])
      assert.equal(await readFile(join(cwd, name)), originals.get(name));
    await checkDone(cwd, new Map([['in/b.png', originals.get('in/b.png') ?? Buffer.alloc(0)]]));
  }));

test('backups with the extension of a picture are no pictures to denoise', () =>
  withFolder(async (cwd) => {
    const originals = await pictures(cwd, ['in/a.png']);
    const args = ['in', '--in-place', ...FAST, '--backup', '.noisy.png'];
    assert.is((await command(args, { cwd })).code, 0);
    const again = await command(args, { cwd });
    assert.is(again.code, 0, again.stderr);
    assert.match(again.stderr, 'in/a.png.noisy.png  left out: it is the backup of another picture');
    assert.equal(await filesBelow(cwd), ['in/a.png', 'in/a.png.noisy.png']);
    assert.equal(await readFile(join(cwd, 'in/a.png.noisy.png')), originals.get('in/a.png'));
  }));

test('an original that changes while its result is written is left', () =>
  withFolder(async (cwd) => {
    const path = join(cwd, 'a.png');
    await writeFile(path, 'old');
    const before = await stat(path, { bigint: true });
    const { signal } = new AbortController();
    const work = replaceOriginal(path, Buffer.alloc(1 << 20), before, { backup: '.orig', signal }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await writeFile(path, 'newer than what was read');
    const error = await work;
    assert.match(String(error), /was changed while it was in work/);
    assert.is(await readFile(path, 'utf8'), 'newer than what was read');
    assert.not.ok((await filesBelow(cwd)).some((name) => name.endsWith('.tmp')));
  }));

test('a link out of the inputs is refused and its target stays; one to an input is that input', () =>
  withFolder(async (cwd) => {
    const originals = await pictures(cwd, ['in/a.png', 'far/b.png', 'far/deep/c.png']);
    await symlink('../far/b.png', join(cwd, 'in/out.png'));
    await symlink('../far/deep', join(cwd, 'in/folder'));
    await symlink('a.png', join(cwd, 'in/same.png'));
    const { code, stderr } = await command(['in', '--in-place', ...FAST], { cwd });
    assert.is(code, 1, stderr);
    assert.match(
      stderr,
      /^flow-denoise: in\/out\.png: found a link to .*far\/b\.png, which is not among the inputs/m,
    );
    assert.match(stderr, /^flow-denoise: in\/folder\/c\.png: found a link/m);
    assert.match(stderr, '1 of 3 done');
    for (const name of ['far/b.png', 'far/deep/c.png'])
      assert.equal(await readFile(join(cwd, name)), originals.get(name));
    assert.not.equal(await readFile(join(cwd, 'in/a.png')), originals.get('in/a.png'));
    assert.is(await readlink(join(cwd, 'in/same.png')), 'a.png');
    const named = await command(['in/out.png', '--in-place', ...FAST], { cwd });
    assert.is(named.code, 1);
    const dry = await command(['in/out.png', '--in-place', '--dry-run', ...FAST], { cwd });
    assert.match(dry.stdout, /^in\/out\.png {2}refused: found a link/);
  }));

test('a folder that is itself a link is what was named', () =>
  withFolder(async (cwd) => {
    const originals = await pictures(cwd, ['far/a.png']);
    await symlink('far', join(cwd, 'in'));
    assert.is((await command(['in', ...IN_PLACE], { cwd })).code, 0);
    await checkDone(cwd, originals);
  }));

test('hard links: those among the inputs are each denoised, others are told', () =>
  withFolder(async (cwd) => {
    const originals = await pictures(cwd, ['in/a.png', 'in/c.png']);
    await link(join(cwd, 'in/a.png'), join(cwd, 'in/b.png'));
    await link(join(cwd, 'in/c.png'), join(cwd, 'other.png'));
    const { code, stderr } = await command(['in', ...IN_PLACE], { cwd });
    assert.is(code, 0, stderr);
    const both = new Map(originals).set('in/b.png', originals.get('in/a.png') ?? Buffer.alloc(0));
    await checkDone(cwd, both);
    assert.match(stderr, /^in\/c\.png .*the file has 1 other name \(hard link\), which keeps the noise/m);
    assert.not.match(stderr, /^in\/[ab]\.png .*hard link/m);
    assert.equal(await readFile(join(cwd, 'other.png')), originals.get('in/c.png'));
    assert.is((await stat(join(cwd, 'in/a.png'))).nlink, 1);
  }));

test.run();
