// File names in a watched folder: which are pictures, and how to make a name unique. Does not touch the disk.
import { posix } from 'node:path';
import { isSupportedExtension } from '../../image/index.js';

/** The longest name on the usual file systems (ext4, XFS, APFS; NTFS within a few bytes). */
const NAME_BYTES = 255;

/** Folders that network storage and archives create; their files are not the user's pictures. */
const foreignFolders: readonly string[] = [
  '@eaDir',
  '#recycle',
  '#snapshot',
  '$RECYCLE.BIN',
  'System Volume Information',
  '__MACOSX',
  'lost+found',
];

/** Whether to look into a folder of this name. Hidden folders, including ours, are skipped. */
export function isVisibleFolder(name: string): boolean {
  return !name.startsWith('.') && !foreignFolders.includes(name);
}

/**
 * Whether a path, relative to the watched folder and with forward slashes, is a picture's: it has a supported extension
 * (`a.png.part`, `a.png.crdownload` and `a.png~` have not), and is neither hidden nor an editor's temporary file
 * (`~$a.png`, `#a.png#`).
 */
export function isPictureName(path: string): boolean {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  return isSupportedExtension(name) && !/^[.~#]/.test(name) && parts.every(isVisibleFolder);
}

/** The name of the nth file with this path: `a.png`, `a-2.png`, `a-3.png` ... */
export function versionedPath(path: string, version: number): string {
  const { dir, name, ext } = posix.parse(path);
  return version === 1 ? path : fitted(dir, name, `-${version}${ext}`);
}

/** Appends `text` to a path, and shortens a name that would be too long: `a.png.txt`. */
export function appendedPath(path: string, text: string): string {
  return fitted(posix.dirname(path), posix.basename(path), text);
}

/** Joins folder, stem and end; cuts the stem to fit. */
function fitted(folder: string, stem: string, end: string): string {
  const characters = [...stem];
  while (Buffer.byteLength(characters.join('') + end) > NAME_BYTES) characters.pop();
  return posix.join(folder, characters.join('') + end);
}
