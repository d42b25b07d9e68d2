"""FastAPI: a Relay connection of strawberry-graphql, and two paginations of fastapi-pagination, with 437 items each."""

from typing import Iterable

import strawberry
from fastapi import FastAPI
from fastapi_pagination import Page, add_pagination, paginate
from fastapi_pagination.links import Page as LinkPage
from pydantic import BaseModel
from strawberry import relay
from strawberry.fastapi import GraphQLRouter


@strawberry.type
class User(relay.Node):
    id: relay.NodeID[int]
    name: str

    @classmethod
    def resolve_nodes(cls, *, info, node_ids, required=False):
        return [USERS[int(i)] for i in node_ids]


USERS = [User(id=i, name=f"user {i}") for i in range(437)]


@strawberry.type
class Query:
    @relay.connection(relay.ListConnection[User])
    def users(self) -> Iterable[User]:
        return USERS


class Doc(BaseModel):
    id: int


DOCS = [Doc(id=i) for i in range(437)]
app = FastAPI()
app.include_router(GraphQLRouter(strawberry.Schema(Query)), prefix="/graphql")


@app.get("/page")
def page() -> Page[Doc]:
    return paginate(DOCS)


@app.get("/links")
def links() -> LinkPage[Doc]:
    return paginate(DOCS)


add_pagination(app)
