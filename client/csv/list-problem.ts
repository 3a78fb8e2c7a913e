/**
 * Why a list cannot be read at all, or not without being told more.
 *
 * @module
 */

export type ListProblemCode =
  /** More bytes than are taken. */
  | 'too_large'
  /** A workbook of Excel 97 to 2003 (.xls), or one behind a password. */
  | 'old_workbook'
  /** Zipped, and no workbook of Excel's; or a workbook that is damaged. */
  | 'not_a_workbook'
  /** UTF-32, which no browser reads. */
  | 'utf_32'
  /** Not text: a picture, a program, a PDF. */
  | 'not_text'
  /** What it was told to be encoded in, there is not. */
  | 'encoding_unknown'
  /** It is not in the encoding that it was said to be in. */
  | 'encoding_wrong'
  /** It is in no encoding that can be told. */
  | 'encoding_not_found'
  /** Two or more encodings fit: `choices` are their names. */
  | 'encoding_unclear'
  /** There is no sheet of that name: `choices` are those that there are. */
  | 'sheet_not_found'
  /** Two or more sheets hold addresses: `choices` are their names. */
  | 'sheet_unclear'
  /** Two columns of one name hold different addresses, roles or messages; or of several with addresses, none is named. */
  | 'column_twice'
  /** A package that reads such files is not installed. */
  | 'reader_missing'

/** One of several ways to read a file, with what it says if read so. */
export interface ListChoice {
  /** To be given as `encoding` or `sheet`. */
  name: string
  /** Lines in which the ways differ. */
  sample: string[]
}

export class ListProblem extends Error {
  override readonly name = 'ListProblem'
  readonly code: ListProblemCode
  readonly choices: ListChoice[]

  /** @param message - in English, with what to do about it */
  constructor(code: ListProblemCode, message: string, choices: ListChoice[] = []) {
    super(message)
    this.code = code
    this.choices = choices
  }
}
