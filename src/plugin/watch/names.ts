// File names in a watched folder: which are pictures to take, and what a second file of one name is called.
// Nothing here touches a disk.
import { posix } from 'node:path';
import { isSupportedExtension } from '../../image/index.js';

/** A name's most bytes on the usual file systems (ext4, XFS, APFS, NTFS within a few). */
const NAME_BYTES = 255;

/** Folders that network storage and archives put beside pictures; what is in them is no picture of the user's. */
const foreignFolders: readonly string[] = [
  '@eaDir',
  '#recycle',
  '#snapshot',
  '$RECYCLE.BIN',
  'System Volume Information',
  '__MACOSX',
  'lost+found',
];

/** Whether a folder of this name is looked into: hidden ones, ours among them, are not. */
export function isVisibleFolder(name: string): boolean {
  return !name.startsWith('.') && !foreignFolders.includes(name);
}

/**
 * Whether a file is a picture to take, by its path relative to the watched folder, with forward slashes: of a
 * supported extension, so that `a.png.part`, `a.png.crdownload` and `a.png~` are none, and neither hidden nor an
 * editor's or office program's temporary (`~$a.png`, `#a.png#`).
 */
export function isPictureName(path: string): boolean {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  return isSupportedExtension(name) && !/^[.~#]/.test(name) && parts.every(isVisibleFolder);
}

/** The name of the nth file that would be called `path`: `a.png`, `a-2.png`, `a-3.png` ... */
export function versionedPath(path: string, version: number): string {
  return version === 1 ? path : withSuffix(path, `-${version}`);
}

/** `text` put at the end of a path, its name cut where it would be too long: `a.png.txt`. */
export function appendedPath(path: string, text: string): string {
  return fitted(posix.dirname(path), posix.basename(path), text);
}

function withSuffix(path: string, suffix: string): string {
  const { dir, name, ext } = posix.parse(path);
  return fitted(dir, name, suffix + ext);
}

/** The folder, the stem as far as there is room for it, the end. */
function fitted(folder: string, stem: string, end: string): string {
  const characters = [...stem];
  while (Buffer.byteLength(characters.join('') + end) > NAME_BYTES) characters.pop();
  return posix.join(folder, characters.join('') + end);
}
