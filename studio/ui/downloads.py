"""The routes by which exports leave: files of the person's own, whole or in ranges."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from studio.errors import StudioError
from studio.ui.gate import person_of

_MEDIA = {".jsonl": "application/x-ndjson", ".csv": "text/csv; charset=utf-8", ".parquet": "application/octet-stream"}
_HEADERS = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}


def download_routes(studio) -> list[Route]:
    """studio: services.studio.Studio."""

    def download(request: Request) -> Response:
        """Whatever is not this person's finished zip is not there, whoever else may have it."""
        try:
            path = studio.exports.find_file(person_of(request), request.path_params["job_id"])
        except StudioError as error:
            return JSONResponse({"code": error.code}, status_code=404, headers=_HEADERS)
        return FileResponse(path, media_type="application/zip", filename=path.name, headers=_HEADERS)

    def rows(request: Request) -> Response:
        """Exported rows, under the name of their dataset."""
        try:
            path = studio.deeds.find_file(person_of(request), request.path_params["job_id"])
        except StudioError as error:
            return JSONResponse({"code": error.code}, status_code=404, headers=_HEADERS)
        return FileResponse(path, media_type=_MEDIA[path.suffix], filename=path.name, headers=_HEADERS)

    return [
        Route("/whetstone/download/{job_id}", download, methods=["GET"]),
        Route("/whetstone/rows/{job_id}", rows, methods=["GET"]),
    ]
