"""A client that openapi-python-client makes of docs/openapi.json. Takes USHER_URL and USHER_TOKEN."""

import os
from io import BytesIO

from usher_rest import AuthenticatedClient
from usher_rest.api.invitations import create_invitation, create_invitations, list_invitations
from usher_rest.api.organisations import create_organisation, delete_organisation, update_organisation
from usher_rest.models import (
    CreateInvitationBody,
    CreateInvitationsResponse200,
    CreateOrganisationBody,
    Invite,
    ListInvitationsResponse200,
    Organisation,
    Problem,
    UpdateOrganisationBody,
)
from usher_rest.types import File

usher = AuthenticatedClient(base_url=os.environ["USHER_URL"], token=os.environ["USHER_TOKEN"])
organisation = create_organisation.sync(client=usher, body=CreateOrganisationBody(name="Ten Lines"))
assert isinstance(organisation, Organisation), organisation
draft = CreateInvitationBody(email="py@example.com", roles=["member"], organisation_id=organisation.slug)
invite = create_invitation.sync(client=usher, body=draft)
assert isinstance(invite, Invite) and invite.status == "pending", invite
rows = File(payload=BytesIO(b"email,roles\ncsv@example.com,member\n"))
listed = create_invitations.sync(client=usher, body=rows, organisation_id=organisation.slug)
assert isinstance(listed, CreateInvitationsResponse200) and listed.data[0].status == "created", listed
page = list_invitations.sync(client=usher, organisation_id=organisation.slug)
assert isinstance(page, ListInvitationsResponse200), page
assert sorted(each.email or "" for each in page.data) == ["csv@example.com", "py@example.com"]
changed = update_organisation.sync(organisation.slug, client=usher, body=UpdateOrganisationBody(seat_limit=10))
assert isinstance(changed, Organisation) and changed.seat_limit == 10, changed
again = create_invitation.sync(client=usher, body=draft)
assert isinstance(again, Problem) and again.code == "already_invited", again
assert delete_organisation.sync_detailed(organisation.slug, client=usher).status_code == 204
print("openapi-python-client: all of it works.")
