/**
 * Which addresses may be asked: those of the public internet, and what the operator allows besides.
 *
 * @module
 */
import ipaddr from 'ipaddr.js'

type Address = ReturnType<typeof ipaddr.parse>

export interface TargetRules {
  isAddress(text: string): boolean
  /** @param isSecure - whether by https; http is only for what the operator allows */
  allows(address: string, isSecure: boolean): boolean
}

// What clouds tell their own machines, at an address that looks public: Azure's, beside the link-local ones.
const PLATFORM = ['168.63.129.16']

// All of IPv6 that has been given out for use on the internet. Source: IANA IPv6 Global Unicast Address Space
const PUBLIC_IPV6 = ipaddr.parseCIDR('2000::/3')

/**
 * @param allow - CIDRs parted by commas, such as 10.1.0.0/16,fd00::/8; all; or nothing
 * @throws when a part of it is no CIDR
 */
export function createTargetRules(allow: string): TargetRules {
  const parts = allow.split(/[\s,]+/).filter(Boolean)
  const allowsAll = parts.includes('all')
  const ranges = parts.filter((part) => part !== 'all').map(parseRange)

  const isAllowed = (address: Address) =>
    allowsAll ||
    ranges.some((range) => range[0].kind() === address.kind() && matches(address, range))
  return {
    isAddress: (text) => ipaddr.isValid(text),
    allows(text, isSecure) {
      if (!ipaddr.isValid(text)) return false
      // ::ffff:10.0.0.1 is 10.0.0.1.
      const address = ipaddr.process(text)
      return isAllowed(address) || (isSecure && isPublic(address))
    },
  }
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || PLATFORM.includes(address.toString())) return false
  return address.kind() === 'ipv4' || matches(address, PUBLIC_IPV6)
}

function matches(address: Address, [base, bits]: [Address, number]): boolean {
  return (address as ipaddr.IPv6).match(base as ipaddr.IPv6, bits)
}

function parseRange(text: string): [Address, number] {
  try {
    return ipaddr.parseCIDR(text)
  } catch {
    throw new Error(`${text} is not a range of addresses such as 10.1.0.0/16 or fd00::/8.`)
  }
}
