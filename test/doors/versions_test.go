package doors

import "net/http"

// version is the path of a version that is not there.
const version = "/api/v1/files/{id}/versions/" + id

// versionRows are the rows of table about versions, the trash and the feed of changes.
func versionRows() map[string]row {
	return map[string]row{
		"GET /api/v1/files/changes":       {roles: "amg", scope: "files:read"},
		"GET /api/v1/events":              {roles: "amg", scope: "files:read", path: "/api/v1/events?since=999999999999", ok: http.StatusGone}, // or it would never end
		"PUT /api/v1/files/{id}/content":  {roles: "am", scope: "files:write", kind: writable, body: "new"},
		"GET /api/v1/files/{id}/versions": {roles: "am", scope: "files:read", kind: readable, older: true},
		"GET /api/v1/trash":               {roles: "amg", scope: "files:read"},
		"POST /api/v1/trash/restore":      {roles: "am", scope: "files:write", body: map[string]any{"ids": []string{id}}},
		"POST /api/v1/trash/delete":       {roles: "am", scope: "files:write", body: map[string]any{"ids": []string{id}}},
		"POST /api/v1/trash/empty":        {roles: "am", scope: "files:write", ok: something, body: map[string]any{}},
		"DELETE /api/v1/folders/{id}":     {roles: "am", scope: "files:write", ok: 404},

		"GET /api/v1/files/{id}/versions/{version}/download":  {roles: "am", scope: "files:read", kind: readable, older: true, path: version + "/download", ok: 404},
		"HEAD /api/v1/files/{id}/versions/{version}/download": {roles: "am", scope: "files:read", kind: readable, older: true, path: version + "/download", ok: 404},
		"POST /api/v1/files/{id}/versions/{version}/restore":  {roles: "am", scope: "files:write", kind: writable, older: true, path: version + "/restore", ok: 404},
		"PATCH /api/v1/files/{id}/versions/{version}":         {roles: "am", scope: "files:write", kind: writable, older: true, path: version, ok: 404, body: map[string]any{"pinned": true}},
		"DELETE /api/v1/files/{id}/versions/{version}":        {roles: "am", scope: "files:write", kind: writable, older: true, path: version, ok: 404},
	}
}
