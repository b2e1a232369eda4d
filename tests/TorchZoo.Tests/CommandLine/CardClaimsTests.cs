using NUnit.Framework;
using TorchZoo.Scripts;
using TorchZoo.Scripts.Terminal;

namespace TorchZoo.Tests.CommandLine;

public class CardClaimsTests
{
    private const string Card = "# A paper\n\n## Claim\n\nBy hand.\n\n## Notes\n\nMore.\n";

    private static readonly CardClaim First = new("demo", "error | at 256", "0.01", "0.02", "0.4", "PASS", "12", "2026-01-02, cpu", "✓ a; ✗ b"),
        Second = new("demo --equation x", "rank", "3", "4", "", "FAIL", "7", "2026-01-02, cpu", "");

    [Test]
    public void WhatIsWrittenIsRead()
    {
        var card = CardClaims.Write(Card, [First, Second]);
        Assert.Multiple(() =>
        {
            Assert.That(CardClaims.Read(card), Is.EqualTo([First, Second]));
            Assert.That(card, Does.StartWith("# A paper\n\n## Claim\n\n<!-- claims").And.EndsWith("<!-- end of claims -->\n\nBy hand.\n\n## Notes\n\nMore.\n"));
            Assert.That(CardClaims.Read(card.ReplaceLineEndings("\r\n")), Is.EqualTo([First, Second]));
        });
    }

    [Test]
    public void ARunReplacesItsOwnLineAlone()
    {
        var card = CardClaims.Write(CardClaims.Write(Card, [First, Second]), [First with { Value = "0.03", Verdict = "FAIL" }]);
        Assert.That(CardClaims.Read(card).Select(c => (c.Value, c.Verdict)), Is.EqualTo([("0.03", "FAIL"), ("3", "FAIL")]));
        Assert.That(CardClaims.Write(card, []), Is.EqualTo(card), "nothing new, nothing changed");
    }

    [Test]
    public void ACardWithoutTheHeadingGetsOne() =>
        Assert.That(CardClaims.Write("# A paper\n", [First]), Does.StartWith("# A paper\n\n## Claim\n\n<!-- claims").And.EndsWith("-->\n"));

    [Test]
    public void ACardWithoutThePartHasNoRuns() => Assert.That(CardClaims.Read(Card), Is.Empty);

    [Test]
    public void AClaimFilesNumbersAreWritten()
    {
        var claim = new Claim("demo", "error", 0.0123456, 0.02, null, [new Condition("small", true), new Condition("smaller", false)]);
        var line = CardClaim.Of("demo", new ClaimFile
        {
            Claim = claim,
            Verdict = "FAIL",
            Size = RunSize.Default,
            Device = "cpu",
            Seed = 0,
            Seconds = 61.4,
            Arguments = [],
        });
        Assert.That(line with { Measured = "" }, Is.EqualTo(
            new CardClaim("demo", "error", "0.01235", "0.02", "", "FAIL", "61", "", "✓ small; ✗ smaller")));
    }
}
