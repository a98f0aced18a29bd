"""Paths. Each route reads the request, asks the store or queues a job, and answers; nothing else."""

from __future__ import annotations

from fastapi import APIRouter

from ei_toolkit.studio.routes import projects

API_ROUTERS: tuple[APIRouter, ...] = (projects.router,)
INGESTION_ROUTERS: tuple[APIRouter, ...] = ()
