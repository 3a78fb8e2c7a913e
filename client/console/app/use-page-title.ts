/**
 * The title of the page, as the browser and screen readers say it.
 *
 * @module
 */
import { useEffect } from 'react'

export function usePageTitle(title: string | null | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Usher` : 'Usher'
  }, [title])
}
